//! What a dependency looks like from this process.

use std::sync::atomic::Ordering;

use serde::Serialize;

use super::Dependency;
use crate::{breaker::BreakerStatus, deadline::Deadline, gate::GateStatus, rate::LimiterStatus};

/// What a dependency looks like from this process.
#[derive(Clone, Debug, Serialize)]
pub struct DependencyStatus {
    /// Its name in the policy.
    pub name: &'static str,
    /// Whether calls go out.
    pub breaker: BreakerStatus,
    /// Calls in progress and waiting.
    pub bulkhead: GateStatus,
    /// Its limit of calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<LimiterStatus>,
    /// Its limit of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<LimiterStatus>,
    /// Attempts that ended well.
    pub ok: u64,
    /// Attempts cut at their timeout.
    pub timeout: u64,
    /// Attempts that ended in a fault.
    pub fault: u64,
    /// Calls refused by the breaker.
    pub open: u64,
    /// Calls refused by the rate limit.
    pub rate_limited: u64,
    /// Calls refused by the bulkhead.
    pub refused: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Second attempts beside a late first one.
    pub hedges: u64,
    /// Nineteen of twenty answers come sooner, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
}

impl Dependency {
    /// Looks how the fleet's breaker and limiters are now. What cannot be read stays as it was last seen.
    pub async fn look(&self, store: Deadline) {
        let door = &*self.0;
        door.breaker.look(store).await;
        for limiter in [door.rate.load_full(), door.tokens.load_full()].into_iter().flatten() {
            limiter.look(store).await;
        }
    }

    /// The most calls that were in flight at once since this was last asked.
    pub fn take_peak(&self) -> usize {
        self.0.bulkhead.take_peak()
    }

    /// What it looks like from this process.
    pub fn status(&self) -> DependencyStatus {
        let door = &*self.0;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        DependencyStatus {
            name: door.name,
            breaker: door.breaker.status(),
            bulkhead: door.bulkhead.status(),
            rate: door.rate.load().as_ref().map(|limiter| limiter.status()),
            tokens: door.tokens.load().as_ref().map(|limiter| limiter.status()),
            ok: count(&door.outcomes.ok),
            timeout: count(&door.outcomes.timeout),
            fault: count(&door.outcomes.fault),
            open: count(&door.outcomes.open),
            rate_limited: count(&door.outcomes.rate_limited),
            refused: count(&door.outcomes.refused),
            retries: count(&door.outcomes.retries),
            hedges: count(&door.outcomes.hedges),
            p95_ms: door.latency.p95().map(|took| took.as_secs_f64() * 1_000.0),
        }
    }
}
