//! Runs waves of tools: a bounded number at once, one ceiling for each wave, nothing outlives it.

use std::sync::Arc;

use shared::{
    clock,
    contract::{Degradation, chat::ToolRun},
    deadline::Deadline,
    policy::Policy,
    problem::Problem,
    scope::{Scope, TaskError},
};

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

/// A tool that gave nothing, after so many milliseconds.
struct Missed {
    ms: f64,
    error: PeerError,
}

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
    let tools: Vec<_> = tools.collect();
    let mut running = Scope::new(tools.len());
    for &tool in &tools {
        let task = timed(tool, config.clone(), inquiry.clone(), deadline);
        if tool.is_required() { running.required(task) } else { running.optional(task) }
    }
    let ended = running.join().await.map_err(|failed| match failed {
        TaskError::Failed(missed) => missed.error.into(),
        TaskError::Crashed => Problem::internal(),
    })?;
    for (tool, outcome) in tools.into_iter().zip(ended) {
        harvest.take(wave, tool, outcome);
    }
    Ok(())
}

async fn timed(
    tool: Tool,
    config: Arc<Config>,
    inquiry: Arc<Inquiry>,
    deadline: Deadline,
) -> Result<(f64, Finds), Missed> {
    let started = clock::now();
    let outcome = tools::run(tool, &config, inquiry, deadline).await;
    let ms = milliseconds(started.elapsed());
    outcome.map(|finds| (ms, finds)).map_err(|error| Missed { ms, error })
}

impl Harvest {
    fn take(&mut self, wave: usize, tool: Tool, outcome: Result<(f64, Finds), TaskError<Missed>>) {
        let (ms, word) = match outcome {
            Ok((ms, finds)) => {
                let partly = finds.degraded.iter().find(|part| part.component == tool.name());
                let word = partly.map_or("ok", |part| &part.reason).to_owned();
                self.sources.extend(finds.sources);
                self.degraded.extend(finds.degraded);
                (ms, word)
            }
            Err(failed) => {
                let (ms, reason) = match &failed {
                    TaskError::Failed(missed) => (missed.ms, missed.error.reason()),
                    TaskError::Crashed => (0.0, "fault"),
                };
                self.degraded.push(Degradation::new(tool.name(), reason));
                (ms, reason.to_owned())
            }
        };
        self.runs.push(ToolRun { name: tool.name().to_owned(), wave, outcome: word, ms });
    }
}
