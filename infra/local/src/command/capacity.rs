//! `local capacity`: the fleet at its worst beside what each dependency allows, for every stage.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use shared::policy::{PolicyFile, Sources};

use crate::capacity::{self, Verdict};
use crate::command::say;

/// Which policy, and how it is served.
#[derive(Args, Debug)]
pub struct CapacityArgs {
    /// A file that is laid over the shipped policy.
    #[arg(long)]
    policy: Option<PathBuf>,
    /// One stage; without it the policy itself and every stage.
    #[arg(long)]
    stage: Option<String>,
    /// Requests that one environment serves at once: 1 on classic Lambda, more on Managed Instances.
    #[arg(long, env = "AWS_LAMBDA_MAX_CONCURRENCY", default_value_t = 1)]
    requests_at_once: u64,
}

pub(crate) fn run(args: CapacityArgs) -> Result<ExitCode> {
    let mut sources = Sources::shipped();
    if let Some(path) = &args.policy {
        sources = sources.with(PolicyFile::read(path)?);
    }
    let mut fits = true;
    let stages = match args.stage {
        Some(stage) => vec![Some(stage)],
        None => std::iter::once(None).chain(sources.stages()?.into_iter().map(Some)).collect(),
    };
    for stage in stages {
        fits &= prove(&sources, stage.as_deref(), args.requests_at_once.max(1))?;
    }
    Ok(if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn prove(sources: &Sources, stage: Option<&str>, requests: u64) -> Result<bool> {
    let policy = match stage {
        Some(stage) => sources.clone().for_stage(stage).policy()?,
        None => sources.policy()?,
    };
    let name = stage.map_or("the policy".to_owned(), |stage| format!("stage {stage}"));
    say(&format!("{name}, {requests} request(s) at once in an environment (AWS_LAMBDA_MAX_CONCURRENCY):"));
    let lines = capacity::proof(&policy, requests);
    lines.iter().for_each(|line| say(&format!("  {line}")));
    let broken: Vec<_> = lines.iter().filter(|line| line.verdict == Verdict::TooMuch).collect();
    broken.iter().for_each(|line| say(&format!("does not fit: {}", line.what)));
    Ok(broken.is_empty())
}
