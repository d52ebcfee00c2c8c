//! What a gate counts, and what it shows of itself.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde::Serialize;

use super::state::State;

/// Why a caller was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The queue had no place.
    QueueFull,
    /// It waited for as long as anybody may.
    WaitTooLong,
    /// Its own deadline passed in the queue.
    Deadline,
    /// A more critical caller took its place in the queue.
    Evicted,
    /// It may be shed, and the queue was more than half full.
    Shed,
}

/// Only ever rising; read without a lock.
#[derive(Debug, Default)]
pub(super) struct Counters {
    admitted: AtomicU64,
    refused: [AtomicU64; 5],
    waited: AtomicU64,
    waited_us: AtomicU64,
}

/// Refusals since the start, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Refusals {
    /// The queue had no place.
    pub queue_full: u64,
    /// Waited for as long as anybody may.
    pub wait_too_long: u64,
    /// The caller's deadline passed in the queue.
    pub deadline: u64,
    /// A more critical caller took the place.
    pub evicted: u64,
    /// Sheddable, with the queue more than half full.
    pub shed: u64,
}

/// What a gate looks like now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GateStatus {
    /// Permits held.
    pub in_use: usize,
    /// Permits there are at most.
    pub limit: usize,
    /// Permits there are now, when the limit follows the latency.
    pub adaptive_limit: Option<usize>,
    /// Callers in the queue.
    pub waiting: usize,
    /// Places in the queue.
    pub queue: usize,
    /// Permits given since the start.
    pub admitted: u64,
    /// Refusals since the start.
    pub refused: u64,
    /// The same by reason.
    pub refusals: Refusals,
    /// Callers that waited since the start, whatever came of it.
    pub waited: u64,
    /// How long they waited in all, in microseconds.
    pub waited_us: u64,
}

impl Counters {
    pub(super) fn admitted(&self) {
        self.admitted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, refusal: Refusal) {
        self.refused[refusal as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn waited(&self, wait: Duration) {
        self.waited.fetch_add(1, Ordering::Relaxed);
        self.waited_us.fetch_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn status(&self, state: &State) -> GateStatus {
        let refusals = self.refusals();
        GateStatus {
            in_use: state.in_use,
            limit: state.limits.in_flight,
            adaptive_limit: state.adaptive_limit(),
            waiting: state.queue.len(),
            queue: state.limits.queue,
            admitted: self.admitted.load(Ordering::Relaxed),
            refused: refusals.total(),
            refusals,
            waited: self.waited.load(Ordering::Relaxed),
            waited_us: self.waited_us.load(Ordering::Relaxed),
        }
    }

    fn refusals(&self) -> Refusals {
        let [queue_full, wait_too_long, deadline, evicted, shed] =
            [0, 1, 2, 3, 4].map(|reason: usize| self.refused[reason].load(Ordering::Relaxed));
        Refusals { queue_full, wait_too_long, deadline, evicted, shed }
    }
}

impl Refusals {
    fn total(&self) -> u64 {
        self.queue_full + self.wait_too_long + self.deadline + self.evicted + self.shed
    }
}
