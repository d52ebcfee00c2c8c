//! `local run`: everything, until Ctrl-C.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::apertium::Apertium;
use crate::cli::{StoreArgs, check_ports};
use crate::command::{say, told_to_stop};
use crate::corpus::{self, Ingest};
use crate::dynamo::DynamoConfig;
use crate::environment::inherited;
use crate::leftover;
use crate::lifeline::Lifeline;
use crate::postgres::PostgresConfig;
use crate::stack::{DatabaseChoice, Stack, StackConfig, binaries};
use crate::state::State;

/// Ports, folders, and who may ask.
#[derive(Args, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    stores: StoreArgs,
    /// Port of the API.
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// Port of Lambda's Invoke.
    #[arg(long, default_value_t = 9001)]
    invoke_port: u16,
    /// Folder of the embedding model all-MiniLM-L6-v2.
    #[arg(long, env = "MODEL_DIR", default_value = ".local/model")]
    model_dir: PathBuf,
    /// Folder of the built functions; by default that of this program.
    #[arg(long)]
    binaries: Option<PathBuf>,
}

pub(crate) async fn run(args: RunArgs) -> Result<ExitCode> {
    let started = tokio::select! {
        started = start(&args) => started,
        () = told_to_stop() => return Ok(ExitCode::SUCCESS),
    };
    let (stack, apertium, _state) = started?;
    let told_to_stop = told_to_stop();
    say(&ready_text(&stack));
    told_to_stop.await;
    say("stopping");
    let stopped = stack.stop().await;
    if let Some(apertium) = apertium {
        apertium.stop().await;
    }
    stopped.map(|()| ExitCode::SUCCESS)
}

async fn start(args: &RunArgs) -> Result<(Stack, Option<Apertium>, State)> {
    let state = State::hold(&args.stores.state)?;
    leftover::end(&state.path("postgres")).await;
    check_ports(&[
        (args.port, "--port"),
        (args.invoke_port, "--invoke-port"),
        (args.stores.dynamo_port, "--dynamo-port"),
        (args.stores.postgres_port, "--postgres-port"),
    ])?;
    if !args.model_dir.is_dir() {
        bail!("there is no embedding model in {}: run `make setup`, or set --model-dir", args.model_dir.display());
    }
    let binaries = args.binaries.clone().map_or_else(binaries, Ok)?;
    let apertium = translator().await?;
    let config = config(args, &state, &binaries, apertium.as_ref())?;
    let stack = Stack::start(config).await?;
    load_corpus(args, &state, &binaries, &stack).await?;
    Ok((stack, apertium, state))
}

async fn translator() -> Result<Option<Apertium>> {
    if std::env::var("APERTIUM_URL").is_ok_and(|url| !url.is_empty()) {
        return Ok(None);
    }
    let lifeline: Arc<Lifeline> = Lifeline::start().context("cannot run sh")?;
    let apertium = Apertium::start(&lifeline).await?;
    match &apertium {
        Some(apertium) => say(&format!("translating offline with Apertium: {}", apertium.pairs().join(", "))),
        None => say("Apertium is not installed: without another translator, texts are answered untranslated"),
    }
    Ok(apertium)
}

fn config(args: &RunArgs, state: &State, binaries: &Path, apertium: Option<&Apertium>) -> Result<StackConfig> {
    let mut config = StackConfig::new(binaries.to_owned());
    config.port = args.port;
    config.invoke_port = args.invoke_port;
    config.echo = true;
    config.dynamo =
        Some(DynamoConfig { state: Some(state.path("dynamo")), port: args.stores.dynamo_port, also_listen: None });
    config.database = DatabaseChoice::Own(PostgresConfig {
        home: args.stores.postgres.postgres_home.clone(),
        state: state.path("postgres"),
        port: args.stores.postgres_port,
        also_listen: None,
        durable: true,
    });
    for (name, function) in &mut config.functions {
        function.env.extend(inherited(name));
    }
    config.set("retrieve", "MODEL_DIR", &args.model_dir.canonicalize()?.to_string_lossy());
    config.set("orchestrate", "RESPONSE_MODE", "stream");
    if let Some(apertium) = apertium {
        config.set("translate", "APERTIUM_URL", &apertium.url());
    }
    Ok(config)
}

async fn load_corpus(args: &RunArgs, state: &State, binaries: &Path, stack: &Stack) -> Result<()> {
    let (binary, mark) = (binaries.join("ingest"), state.path("corpus.sha256"));
    let database_url = stack.database_url().context("there is no database")?;
    let ingest = Ingest { binary: &binary, database_url, model: &args.model_dir, mark: &mark };
    corpus::load(&corpus::folder(), &ingest).await?.note().into_iter().for_each(say);
    Ok(())
}

fn ready_text(stack: &Stack) -> String {
    let url = stack.gateway_url();
    format!(
        "\nNavigator is ready on {url}. Try:\n\n  curl {url}/v1/chat -H 'content-type: application/json' \\\n    \
         -d '{{\"message\": \"What is a deductible?\"}}'\n\nCtrl-C stops it.\n"
    )
}
