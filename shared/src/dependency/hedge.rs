//! Hedged attempts: when an idempotent one takes longer than most, a second one sets out, and the first answer counts
//! (Dean and Barroso, "The Tail at Scale", 2013). Hedges are paid from the retry budget.

use std::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::future::{Either, select};

use super::{CallError, Classify, Dependency, Effect, attempt::Held, outcome::Outcomes};
use crate::deadline::Deadline;

/// No hedge before this much was seen.
const WARM: u64 = 20;

/// An estimate of the 95th percentile that keeps one number (Ma, Muthukrishnan, Sandler: "Frugal streaming", 2013).
#[derive(Debug, Default)]
pub(super) struct Quantile {
    estimate_us: AtomicU64,
    samples: AtomicU64,
}

impl Quantile {
    pub(super) fn record(&self, took: Duration) {
        let sample = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let estimate = self.estimate_us.load(Ordering::Relaxed);
        let step = (estimate / 16).max(1);
        let moved = match sample.cmp(&estimate) {
            _ if estimate == 0 => sample,
            std::cmp::Ordering::Greater => estimate + (step * 19 / 20).max(1),
            _ => estimate.saturating_sub((step / 20).max(1)),
        };
        self.estimate_us.store(moved, Ordering::Relaxed);
        self.samples.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn p95(&self) -> Option<Duration> {
        let warm = self.samples.load(Ordering::Relaxed) >= WARM;
        warm.then(|| Duration::from_micros(self.estimate_us.load(Ordering::Relaxed)))
    }
}

impl Dependency {
    /// One attempt, or two when the first is late and the policy hedges.
    pub(super) async fn hedged<T, E, F, Fut>(
        &self,
        deadline: Deadline,
        effect: Effect,
        tokens: u32,
        start: &F,
    ) -> Result<(T, Held<'_>), CallError<E>>
    where
        E: Classify,
        F: Fn(Deadline) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        // Boxed: an attempt's future holds its call's, and would be in every caller's two times.
        let first = Box::pin(self.attempt(deadline, tokens, start));
        let hedges = effect == Effect::Idempotent && self.0.limits.load().retry.hedge;
        let Some(late) = self.0.latency.p95().filter(|_| hedges) else {
            return first.await;
        };
        let first = match select(first, pin!(tokio::time::sleep(late))).await {
            Either::Left((outcome, _)) => return outcome,
            Either::Right(((), first)) => first,
        };
        if !self.0.budget.withdraw() {
            return first.await;
        }
        Outcomes::count(&self.0.outcomes.hedges);
        match select(first, Box::pin(self.attempt(deadline, tokens, start))).await {
            Either::Left((Err(_), second)) => second.await,
            Either::Right((Err(_), first)) => first.await,
            Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
        }
    }
}
