//! What an attempt's end says about the dependency, and about trying again.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Whether a call may be repeated. Declared by every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Doing it twice is as good as doing it once: may be retried and hedged.
    Idempotent,
    /// It must happen at most once.
    Once,
}

/// What an error says about the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not well: counts, and may pass.
    Fault,
    /// It is well and wants fewer calls; until when, if it said so. Parks it, fleet-wide.
    Limited(Option<Duration>),
    /// Its quota is used up: trying again is pointless until it is reset.
    Exhausted,
    /// It answered, and the request was at fault, or nothing reached it: says nothing.
    Ignored,
}

/// Errors that know what they say about the dependency.
pub trait Classify {
    /// What it says.
    fn verdict(&self) -> Verdict;
}

/// How attempts ended, since the start.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    pub(super) ok: AtomicU64,
    pub(super) timeout: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) rate_limited: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) fault: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) hedges: AtomicU64,
}

impl Outcomes {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
