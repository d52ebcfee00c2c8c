//! `ingest`: files and folders into a collection, with progress, resumable.
//!
//! On a terminal a bar shows the rate and the time left; elsewhere a line does, now and then. What was left out is
//! reported with its place and the reason: as lines on standard error, and with `--json` in the summary as well.
//!
//! Exit status: 0 when everything is in; 3 when something was left out (the report says what and why) and the rest is
//! in; 1 when it had to stop, and running it again continues; 2 for wrong arguments.

use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, anyhow};
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use retrieve::{
    config::Config,
    ingest::{Destination, Ingest, Progress, Source, Summary, patient},
    store::Store,
};
use shared::{aws, clock, contract::retrieve::Visibility, core::Core, policy::Policy, postgres::uses_iam};

const SOMETHING_WAS_SKIPPED: u8 = 3;
/// Between two lines of progress where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Loads documents into a collection. Reads DATABASE_URL, and MODEL_DIR or EMBEDDING_URL, _MODEL and _API_KEY.
#[derive(Parser)]
struct Arguments {
    /// A .jsonl, .md, .html, .pdf or .txt file, or a folder of them.
    #[arg(long)]
    from: PathBuf,
    /// The collection that they go to.
    #[arg(long, default_value = "default")]
    collection: String,
    /// Who owns them.
    #[arg(long, default_value = "system")]
    owner: String,
    /// Who may read them.
    #[arg(long, value_enum, default_value = "shared")]
    visibility: Reader,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Reader {
    Shared,
    Private,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(summary) if summary.left_out == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(SOMETHING_WAS_SKIPPED),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "ingest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<Summary> {
    let ingest = ingest(&arguments).await?;
    let started = clock::now();
    let source = Source::open(&arguments.from)?;
    let bar = progress_bar(source.bytes());
    let mut said = started;
    let progress = |so_far: Progress, summary: &Summary| {
        bar.set_position(so_far.bytes);
        bar.set_message(state(summary, so_far.passages, clock::now() - started));
        if bar.is_hidden() && clock::now() - said >= LINE_EVERY {
            said = clock::now();
            let percent = 100 * so_far.bytes / bar.length().unwrap_or_default().max(1);
            let left = bar.eta().as_secs();
            let _ = writeln!(std::io::stderr(), "{percent}%  {}  {left} s left", bar.message());
        }
    };
    let summary = ingest.run(source, progress).await.context("stopped; run it again to continue")?;
    bar.finish_and_clear();
    report(&summary, clock::now() - started, arguments.json)?;
    Ok(summary)
}

async fn ingest(arguments: &Arguments) -> anyhow::Result<Ingest> {
    let core = core(patient(&Policy::load()?)).await?;
    let config = Config::from_env(&core)?;
    let embedder = config.bulk_embedder(&core.policy())?;
    let database = config.database.ok_or_else(|| anyhow!("DATABASE_URL: is not set"))?;
    let visibility = match arguments.visibility {
        Reader::Shared => Visibility::Shared,
        Reader::Private => Visibility::Private,
    };
    let Arguments { collection, owner, .. } = arguments;
    let destination = Destination { collection: collection.clone(), owner: owner.clone(), visibility };
    Ok(Ingest::new(Store::new(database), embedder, destination))
}

/// Looks for AWS credentials only when they are needed: where there are none it takes seconds.
async fn core(policy: Policy) -> anyhow::Result<Core> {
    if !uses_iam()? {
        return Ok(Core::new(policy));
    }
    let sdk = Box::pin(aws::config(&policy)).await;
    Ok(Core::with(policy, None, sdk))
}

fn progress_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {percent:>3}%  {msg}  {eta_precise} left");
    let bar = ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

fn state(summary: &Summary, passages: usize, took: Duration) -> String {
    let Summary { written, unchanged, left_out, .. } = summary;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = passages as f64 / took.as_secs_f64().max(0.001);
    format!("{written} written, {unchanged} unchanged, {left_out} skipped, {rate:.1} passages/s")
}

/// What was left out goes to standard error, for people; the summary to standard output.
fn report(summary: &Summary, took: Duration, json: bool) -> anyhow::Result<()> {
    let mut problems = std::io::stderr().lock();
    for skipped in &summary.skipped {
        writeln!(problems, "skipped {}: {}", skipped.place, skipped.reason)?;
    }
    let more = summary.left_out - summary.skipped.len();
    if more > 0 {
        writeln!(problems, "skipped {more} more")?;
    }
    let mut out = std::io::stdout().lock();
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string(summary)?)?);
    }
    let (state, passages, seconds) = (state(summary, summary.chunks, took), summary.chunks, took.as_secs_f64());
    Ok(writeln!(out, "{state}; {passages} passages in {seconds:.1} s")?)
}
