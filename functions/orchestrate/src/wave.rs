//! Runs waves of tools: a bounded number at once, one ceiling for each wave, nothing outlives it.

use std::sync::Arc;

use shared::{
    clock,
    contract::{Degradation, chat::ToolRun},
    deadline::Deadline,
    policy::Policy,
    problem::Problem,
};
use tokio::task::JoinSet;

use crate::{
    config::Config,
    error::PeerError,
    plan::{Tool, Wave},
    source::Source,
    timings::milliseconds,
    tools::{self, Finds, Inquiry},
};

/// What all waves brought.
#[derive(Clone, Debug, Default)]
pub struct Harvest {
    /// Documents first, then the web.
    pub sources: Vec<Source>,
    /// What was left out.
    pub degraded: Vec<Degradation>,
    /// How each tool went.
    pub runs: Vec<ToolRun>,
}

type Ended = (Tool, f64, Result<Finds, PeerError>);

/// Runs the waves one after the other. Each gets its ceiling, or what is left of `deadline` beyond what is reserved.
///
/// # Errors
/// When a required tool gave nothing: its siblings are cancelled.
pub async fn run(
    waves: Vec<Wave>,
    config: &Arc<Config>,
    policy: &Policy,
    inquiry: Inquiry,
    deadline: Deadline,
) -> Result<Harvest, Problem> {
    let limits = &policy.orchestrate;
    let reserved = limits.reserved.for_the_answer();
    let inquiry = Arc::new(inquiry);
    let mut harvest = Harvest::default();
    for (number, wave) in waves.into_iter().take(limits.waves).enumerate() {
        let ceiling = deadline.stage(limits.wave, reserved);
        let tools = wave.into_iter().take(limits.parallel_tools);
        run_wave(number + 1, tools, config, &inquiry, ceiling, &mut harvest).await?;
    }
    harvest.sources.sort_by_key(|source| source.document_id.is_none());
    Ok(harvest)
}

async fn run_wave(
    wave: usize,
    tools: impl Iterator<Item = Tool>,
    config: &Arc<Config>,
    inquiry: &Arc<Inquiry>,
    deadline: Deadline,
    harvest: &mut Harvest,
) -> Result<(), Problem> {
    let mut running: JoinSet<Ended> = JoinSet::new();
    for tool in tools {
        let (config, inquiry) = (config.clone(), inquiry.clone());
        running.spawn(async move {
            let started = clock::now();
            let outcome = tools::run(tool, &config, inquiry, deadline).await;
            (tool, milliseconds(started.elapsed()), outcome)
        });
    }
    while let Some(ended) = running.join_next().await {
        let (tool, ms, outcome) = ended.map_err(|_| Problem::internal())?;
        // An early return drops the set, which cancels the siblings.
        harvest.take(wave, tool, ms, outcome)?;
    }
    Ok(())
}

impl Harvest {
    fn take(&mut self, wave: usize, tool: Tool, ms: f64, outcome: Result<Finds, PeerError>) -> Result<(), Problem> {
        let word = match &outcome {
            Ok(finds) => {
                finds.degraded.iter().find(|part| part.component == tool.name()).map_or("ok", |part| &part.reason)
            }
            Err(error) => error.reason(),
        };
        self.runs.push(ToolRun { name: tool.name().to_owned(), wave, outcome: word.to_owned(), ms });
        match outcome {
            Ok(finds) => {
                self.sources.extend(finds.sources);
                self.degraded.extend(finds.degraded);
                Ok(())
            }
            Err(error) if tool.is_required() => Err(error.into()),
            Err(error) => {
                self.degraded.push(Degradation::new(tool.name(), error.reason()));
                Ok(())
            }
        }
    }
}
