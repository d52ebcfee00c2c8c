//! `local services`: the stores alone, for functions that run elsewhere, such as in the containers of `sam local`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::cli::{StoreArgs, check_port, check_ports};
use crate::cluster::DATABASE;
use crate::command::{say, told_to_stop};
use crate::corpus::{self, Ingest};
use crate::dynamo::{Dynamo, DynamoConfig};
use crate::leftover;
use crate::lifeline::Lifeline;
use crate::postgres::PostgresConfig;
use crate::stack::{binaries, migrated};
use crate::state::State;

/// Where the stores are reached.
#[derive(Args, Debug)]
pub struct ServicesArgs {
    #[command(flatten)]
    stores: StoreArgs,
    /// A second address to listen on: that of the Docker bridge, for containers.
    #[arg(long)]
    listen: Option<IpAddr>,
    /// Folder of the embedding model; with it the corpus is loaded.
    #[arg(long, env = "MODEL_DIR")]
    model_dir: Option<PathBuf>,
}

pub(crate) async fn run(args: ServicesArgs) -> Result<ExitCode> {
    let StoreArgs { state, postgres_port, dynamo_port, postgres } = args.stores;
    let state = State::hold(&state)?;
    leftover::end(&state.path("postgres")).await;
    check_ports(&[(postgres_port, "--postgres-port"), (dynamo_port, "--dynamo-port")])?;
    if let Some(address) = args.listen {
        check_port(address, postgres_port, "--postgres-port")?;
        check_port(address, dynamo_port, "--dynamo-port")?;
    }
    let lifeline = Lifeline::start().context("cannot run sh")?;
    let postgres = PostgresConfig {
        home: postgres.postgres_home,
        state: state.path("postgres"),
        port: postgres_port,
        also_listen: args.listen,
        durable: true,
    };
    let dynamo = DynamoConfig { state: Some(state.path("dynamo")), port: dynamo_port, also_listen: args.listen };
    let (postgres, dynamo) = (migrated(postgres, &lifeline).await?, Dynamo::start(dynamo).await?);
    let database_url = postgres.cluster().app_url(DATABASE);
    if let Some(model) = &args.model_dir {
        let (binary, mark) = (binaries()?.join("ingest"), state.path("corpus.sha256"));
        let ingest = Ingest { binary: &binary, database_url: &database_url, model, mark: &mark };
        corpus::load(&corpus::folder(), &ingest).await?.note().into_iter().for_each(say);
    }
    // One line each, to be read by scripts.
    let host = args.listen.map(|address| address.to_string());
    let seen_there = |url: &str| host.as_ref().map_or(url.to_owned(), |host| url.replace("127.0.0.1", host));
    say(&format!("DATABASE_URL={}", seen_there(&database_url)));
    say(&format!("AWS_ENDPOINT_URL_DYNAMODB={}", seen_there(&dynamo.url())));
    // Who reads the next line may stop us at once.
    let told_to_stop = told_to_stop();
    say("ready");
    told_to_stop.await;
    dynamo.stop().await;
    postgres.stop().await;
    Ok(ExitCode::SUCCESS)
}
