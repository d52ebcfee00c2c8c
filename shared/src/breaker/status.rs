//! What a breaker looks like from this process.

use std::sync::atomic::Ordering;

use serde::Serialize;

use super::{
    Breaker,
    decide::{Entry, enter},
    record::{Forced, Record, State},
    view::Freshness,
};
use crate::{clock, deadline::Deadline};

/// What a breaker looks like from this process.
#[derive(Clone, Debug, Serialize)]
pub struct BreakerStatus {
    /// Where it stands.
    pub state: State,
    /// What an operator decided.
    pub forced: Forced,
    /// Changes of state so far, fleet-wide.
    pub generation: i64,
    /// Failures in a row.
    pub failures: i64,
    /// For how much longer it refuses, in milliseconds.
    pub retry_after_ms: u64,
    /// Calls refused by this environment.
    pub refused: u64,
    /// Changes of state that this environment saw.
    pub transitions: u64,
    /// Whether this environment's own item stands in for the fleet's.
    pub alone: bool,
}

impl Breaker {
    /// Renews the view unless it is fresh, for operators. A failure leaves the old one.
    pub async fn look(&self, store: Deadline) {
        let stale = self.memory().view.freshness(clock::now()) != Freshness::Fresh;
        if let Some(fleet) = self.store_of(&self.settings.load()).filter(|_| stale) {
            let _ = self.refresh(&**fleet, store).await;
        }
    }

    /// What it looks like now.
    pub fn status(&self) -> BreakerStatus {
        let memory = self.memory();
        let alone = memory.own.is_some() || self.store.is_none();
        let record = if alone { Record::of(memory.own.as_ref()) } else { memory.view.record.clone() };
        let retry_after = match enter(&record, self.wall.now_ms(), &self.settings.load().rules) {
            Entry::Refuse { until, .. } => until - self.wall.now_ms(),
            _ => 0,
        };
        BreakerStatus {
            state: record.state,
            forced: record.forced,
            generation: record.generation,
            failures: record.failures,
            retry_after_ms: u64::try_from(retry_after).unwrap_or(0),
            refused: self.refused.load(Ordering::Relaxed),
            transitions: self.transitions.load(Ordering::Relaxed),
            alone,
        }
    }
}
