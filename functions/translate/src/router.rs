//! Asks the providers in order until every piece is translated or the time is over.
//!
//! A piece that one provider could not do goes to the next; the others stay as they are. What nobody could do keeps
//! the reason, and its text comes back as it was. Breakers and hedging belong into [`Router::attempt`].

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use shared::{contract::translate::Quality, core::Core, deadline::Deadline, policy, scope::Scope};

use crate::{
    board::{Batch, Board, Job, Rendered},
    cache::Cache,
    chunk,
    provider::{Failure, Opened, Translator},
};

/// Kept back for putting the texts together, so that a late provider costs its translation and not the answer.
const RESERVED: Duration = Duration::from_millis(40);

/// The providers in the order in which they are asked.
#[derive(Debug)]
pub struct Router {
    providers: Vec<Arc<dyn Translator>>,
    cache: Cache,
    core: Core,
}

impl Router {
    /// A router over `providers`, within the policy's limits.
    #[must_use]
    pub fn new(providers: Vec<Arc<dyn Translator>>, core: &Core) -> Self {
        Self { providers, cache: Cache::new(&core.policy().translate), core: core.clone() }
    }

    /// Translates `jobs`; the results keep their order.
    pub async fn translate(&self, jobs: Vec<Job>, deadline: Deadline) -> Vec<Result<Rendered, Failure>> {
        let mut board = Board::new(jobs);
        let deadline = deadline.stage(Duration::MAX, RESERVED);
        let limits = &self.core.policy().translate;
        for (turn, provider) in self.providers.iter().enumerate() {
            self.recall(turn, provider.name(), &mut board);
            if board.is_complete() {
                break;
            }
            let turn_deadline = self.turn_deadline(turn, deadline, limits);
            self.attempt(turn, provider, &mut board, turn_deadline, limits).await;
        }
        board.into_results()
    }

    /// The name of the provider at `turn`.
    #[must_use]
    pub fn name(&self, turn: usize) -> &'static str {
        self.providers.get(turn).map_or("none", |provider| provider.name())
    }

    /// How far the provider at `turn` is to be trusted.
    #[must_use]
    pub fn quality(&self, turn: usize) -> Quality {
        self.providers.get(turn).map_or(Quality::Original, |provider| provider.quality())
    }

    /// Whether any provider is configured.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        !self.providers.is_empty()
    }

    /// The configured providers that do not answer.
    pub async fn unreachable(&self, deadline: Deadline) -> Vec<String> {
        let mut silent = Vec::new();
        for provider in &self.providers {
            if !provider.reachable(deadline).await {
                silent.push(provider.dependency().to_owned());
            }
        }
        silent
    }

    /// How many translations are cached.
    #[must_use]
    pub fn cached(&self) -> u64 {
        self.cache.len()
    }

    /// The last one has nobody to leave time for.
    fn turn_deadline(&self, turn: usize, deadline: Deadline, limits: &policy::Translate) -> Deadline {
        let last = turn + 1 == self.providers.len();
        if last { deadline } else { deadline.stage(limits.attempt, Duration::ZERO) }
    }

    fn recall(&self, turn: usize, provider: &'static str, board: &mut Board) {
        let known = board
            .open()
            .filter_map(|(place, job)| Some((place, self.cache.get(provider, job.pair, job.text.plain())?)));
        for (place, text) in known.collect::<Vec<_>>() {
            board.settle(place, Rendered { text: text.to_string(), provider: turn, cached: true });
        }
    }

    /// One provider's turn: a few calls at once, all dropped at the deadline.
    async fn attempt(
        &self,
        turn: usize,
        provider: &Arc<dyn Translator>,
        board: &mut Board,
        deadline: Deadline,
        limits: &policy::Translate,
    ) {
        let asked: Vec<usize> = board.open().map(|(place, _)| place).collect();
        let mut running = Scope::new(limits.chunks_at_once.max(1));
        for batch in board.batches(provider.texts_per_call(), chunk::MAX_BYTES) {
            running.optional(call(provider.clone(), batch, deadline));
        }
        let mut answers = HashMap::new();
        let work = async {
            while let Some(done) = running.next().await {
                answers.extend(done.outcome.unwrap_or_default());
            }
        };
        // Without an answer in time the call was cut; otherwise its task ended badly.
        let silence =
            if deadline.bound(provider.name(), work).await.is_err() { Failure::TIMEOUT } else { Failure::Malformed };
        let outcomes = asked.into_iter().map(|place| (place, answers.remove(&place).unwrap_or(Err(silence))));
        self.record(turn, provider.name(), outcomes, board);
    }

    /// Writes a turn's outcomes on the board. One log line says how many failed; never which text.
    fn record(
        &self,
        turn: usize,
        provider: &'static str,
        outcomes: impl Iterator<Item = (usize, Opened)>,
        board: &mut Board,
    ) {
        let (mut failed, mut reason) = (0_usize, "");
        for (place, opened) in outcomes {
            match opened {
                Ok(text) => {
                    let job = board.job(place);
                    self.cache.put(provider, job.pair, job.text.plain(), &text);
                    board.settle(place, Rendered { text, provider: turn, cached: false });
                }
                Err(failure) => {
                    (failed, reason) = (failed + 1, failure.reason());
                    board.fail(place, failure);
                }
            }
        }
        if failed > 0 {
            tracing::warn!(provider, reason, pieces = failed, "not translated");
        }
    }
}

/// The outcome of each of the batch's pieces; the call itself has no failure beside them.
async fn call(
    provider: Arc<dyn Translator>,
    batch: Batch,
    deadline: Deadline,
) -> Result<Vec<(usize, Opened)>, Infallible> {
    let outcome = provider.translate(&batch.texts, batch.pair, deadline).await;
    Ok(batch.answers(outcome))
}
