//! `local breaker`: what the fleet holds of its dependencies, and an operator's word on one of them.
//!
//! With `CONTROL_TABLE` it speaks to the table of that name, with the AWS settings of the environment; without it to the
//! table of the local stack.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use shared::breaker::record::Record;
use shared::breaker::{Breaker, Forced, key};
use shared::clock::Wall;
use shared::control::{CONTROL_TABLE, Store, Table};
use shared::deadline::Deadline;
use shared::identity::Identity;
use shared::policy::{Policy, Scope};
use std::sync::Arc;

use crate::command::say;
use crate::dynamo::CONTROL;

/// For each answer of the table: an operator may be far away from it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which breaker, and what becomes of it.
#[derive(Args, Debug)]
pub struct BreakerArgs {
    /// The dependency, by its name in the policy; without one all are shown.
    #[arg(requires = "word")]
    dependency: Option<String>,
    /// Refuse all calls, let all out, or leave it to the breaker again, which starts closed.
    word: Option<Word>,
    /// The control table; without it that of the local stack.
    #[arg(long, env = "CONTROL_TABLE")]
    table: Option<String>,
    /// Port of the local stack's DynamoDB.
    #[arg(long, default_value_t = 9002)]
    dynamo_port: u16,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    Open,
    Closed,
    None,
}

pub(crate) async fn run(args: BreakerArgs) -> Result<ExitCode> {
    let mut policy = Policy::load()?;
    if let Some(table) = policy.dependencies.overrides.get_mut(CONTROL_TABLE) {
        table.limits.timeout = PATIENCE;
    }
    let sdk = shared::aws::config(&policy).await;
    let table = match args.table.filter(|name| !name.is_empty()) {
        Some(name) => Table::new(&name, &sdk, &policy),
        None => Table::new(CONTROL, &local(sdk, args.dynamo_port), &policy),
    };
    match (args.dependency, args.word) {
        (Some(name), Some(word)) => force(name, word, table, &policy).await?,
        _ => show(shared_breakers(&policy), &table).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The emulator asks for credentials and does not check them.
fn local(sdk: SdkConfig, port: u16) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "local");
    let sdk = sdk.into_builder().credentials_provider(SharedCredentialsProvider::new(credentials));
    sdk.region(Region::new("us-east-1")).endpoint_url(format!("http://127.0.0.1:{port}")).build()
}

/// The names of the dependencies whose breaker is the fleet's; the others have one in each process.
fn shared_breakers(policy: &Policy) -> Vec<&str> {
    let known = policy.dependencies.overrides.iter();
    known.filter(|(_, known)| known.limits.breaker.scope == Scope::Fleet).map(|(name, _)| name.as_str()).collect()
}

async fn force(name: String, word: Word, table: Table, policy: &Policy) -> Result<()> {
    let known = shared_breakers(policy);
    if !known.contains(&name.as_str()) {
        bail!("no breaker of the fleet is called {name}: there are {}", known.join(", "));
    }
    let forced = match word {
        Word::Open => Forced::Open,
        Word::Closed => Forced::Closed,
        Word::None => Forced::No,
    };
    // It lives as long as this program.
    let name: &'static str = name.leak();
    let store: Arc<dyn Store> = Arc::new(table.clone());
    let breaker = Breaker::new(name, policy.dependency(name), Some(store), Wall::System, Identity::random());
    breaker.force(forced, Deadline::within(PATIENCE)).await.context("nothing was changed")?;
    show(vec![name], &table).await
}

async fn show(names: Vec<&str>, table: &Table) -> Result<()> {
    say(&line(["dependency", "state", "forced", "generation", "failures", "open until", "parked until"]));
    for name in names {
        let item = table.read(Deadline::within(PATIENCE), &key(name)).await?;
        let Record { state, forced, generation, failures, open_until, parked_until, .. } = Record::of(item.as_ref());
        let forced = match forced {
            Forced::No => "-",
            Forced::Open => "open",
            Forced::Closed => "closed",
        };
        let (generation, failures) = (generation.to_string(), failures.to_string());
        let (open, parked) = (time(open_until), time(parked_until));
        say(&line([name, state.label(), forced, &generation, &failures, &open, &parked]));
    }
    Ok(())
}

/// A point in time, in UTC; `-` when there was none.
fn time(ms: i64) -> String {
    let known = Timestamp::from_millisecond(ms).ok().filter(|_| ms > 0);
    known.map_or_else(|| "-".to_owned(), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn line([name, state, forced, generation, failures, open, parked]: [&str; 7]) -> String {
    let line = format!("{name:<18} {state:<10} {forced:<7} {generation:>10} {failures:>9}  {open:<21} {parked}");
    line.trim_end().to_owned()
}
