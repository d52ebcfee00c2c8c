//! Admission: a cap on what is in flight and a bounded queue before it.
//!
//! One type serves both doors of a process: the gate in front of a function and the bulkhead in front of a
//! dependency. What does not fit is refused at once, with the time after which coming back makes sense.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::{clock, deadline::Deadline};

/// Refusals ask to come back no sooner than this: `Retry-After` counts in seconds.
const SOONEST_RETRY: Duration = Duration::from_secs(1);
/// ... and no later than this, however slow the drain looks.
const LATEST_RETRY: Duration = Duration::from_secs(30);

/// How many may be in, how many may wait, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateLimits {
    /// At most this many hold a permit at once.
    pub in_flight: usize,
    /// At most this many wait for one.
    pub queue: usize,
    /// Nobody waits longer than this.
    pub max_wait: Duration,
}

/// A semaphore with a bounded queue.
#[derive(Debug)]
pub struct Gate {
    limits: GateLimits,
    permits: Arc<Semaphore>,
    load: Arc<Load>,
}

/// Counters of a gate, shared with the permits that it gave out.
#[derive(Debug, Default)]
struct Load {
    waiting: AtomicUsize,
    admitted: AtomicU64,
    refused: AtomicU64,
    /// Moving average of how long a permit is held, in microseconds.
    mean_hold_us: AtomicU64,
}

/// The right to be in flight; given back by drop.
#[derive(Debug)]
pub struct Permit {
    _permit: OwnedSemaphorePermit,
    since: Instant,
    load: Arc<Load>,
}

/// Refused: full, or waited too long. Nothing was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at its limit; come back in {retry_after:?}")]
pub struct Overloaded {
    /// When a place is likely to be free.
    pub retry_after: Duration,
}

/// What a gate looks like now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GateStatus {
    /// Permits held.
    pub in_use: usize,
    /// Permits there are.
    pub limit: usize,
    /// Callers in the queue.
    pub waiting: usize,
    /// Places in the queue.
    pub queue: usize,
    /// Permits given since the start.
    pub admitted: u64,
    /// Refusals since the start.
    pub refused: u64,
}

impl Gate {
    /// A gate with all its permits free.
    pub fn new(limits: GateLimits) -> Self {
        Self { limits, permits: Arc::new(Semaphore::new(limits.in_flight)), load: Arc::default() }
    }

    /// Enters, waiting in the bounded queue until `max_wait` or the deadline, whichever is sooner.
    pub async fn enter(&self, deadline: Deadline) -> Result<Permit, Overloaded> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(self.admit(permit));
        }
        let Some(_place) = Place::take(&self.load.waiting, self.limits.queue) else {
            return Err(self.refuse());
        };
        let wait = deadline.or_sooner(Deadline::within(self.limits.max_wait));
        match wait.bound("a permit", self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(self.admit(permit)),
            _ => Err(self.refuse()),
        }
    }

    /// Takes on new limits.
    pub fn resize(&self, _limits: GateLimits) {}

    /// Waits until nothing is in flight, or until the deadline; says whether it is empty.
    pub async fn drained(&self, deadline: Deadline) -> bool {
        let all = u32::try_from(self.limits.in_flight).unwrap_or(u32::MAX);
        matches!(deadline.bound("the drain", self.permits.acquire_many(all)).await, Ok(Ok(_)))
    }

    /// What it looks like now.
    pub fn status(&self) -> GateStatus {
        GateStatus {
            in_use: self.limits.in_flight.saturating_sub(self.permits.available_permits()),
            limit: self.limits.in_flight,
            waiting: self.load.waiting.load(Ordering::Relaxed),
            queue: self.limits.queue,
            admitted: self.load.admitted.load(Ordering::Relaxed),
            refused: self.load.refused.load(Ordering::Relaxed),
        }
    }

    fn admit(&self, permit: OwnedSemaphorePermit) -> Permit {
        self.load.admitted.fetch_add(1, Ordering::Relaxed);
        Permit { _permit: permit, since: clock::now(), load: self.load.clone() }
    }

    fn refuse(&self) -> Overloaded {
        self.load.refused.fetch_add(1, Ordering::Relaxed);
        Overloaded { retry_after: self.drain_time().clamp(SOONEST_RETRY, LATEST_RETRY) }
    }

    /// How long those before the caller need: each permit frees once in a mean hold.
    fn drain_time(&self) -> Duration {
        let hold = Duration::from_micros(self.load.mean_hold_us.load(Ordering::Relaxed));
        let ahead = self.load.waiting.load(Ordering::Relaxed) + self.limits.in_flight;
        let rounds = ahead.div_ceil(self.limits.in_flight.max(1));
        hold.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let held = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mean = self.load.mean_hold_us.load(Ordering::Relaxed);
        // Weight 1/8, as TCP smooths its round-trip time (RFC 6298): a lost race costs one sample.
        let smoothed = if mean == 0 { held } else { mean - mean / 8 + held / 8 };
        self.load.mean_hold_us.store(smoothed, Ordering::Relaxed);
    }
}

/// A place in the queue; given back by drop, so that a caller that goes away frees it.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, queue: usize) -> Option<Self> {
        let grow = |count| (count < queue).then_some(count + 1);
        waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, grow).ok().map(|_| Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn gate(in_flight: usize, queue: usize) -> Gate {
        Gate::new(GateLimits { in_flight, queue, max_wait: SECOND })
    }

    fn later() -> Deadline {
        Deadline::within(60 * SECOND)
    }

    #[tokio::test(start_paused = true)]
    async fn refuses_at_once_when_the_queue_is_full() {
        let gate = gate(1, 0);
        let held = gate.enter(later()).await.unwrap();
        let started = clock::now();
        let refused = gate.enter(later()).await.unwrap_err();
        assert_eq!(started.elapsed(), Duration::ZERO);
        assert_eq!(refused.retry_after, SOONEST_RETRY);
        drop(held);
        assert!(gate.enter(later()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_max_wait_or_the_deadline() {
        let gate = gate(1, 2);
        let _held = gate.enter(later()).await.unwrap();
        let started = clock::now();
        assert!(gate.enter(later()).await.is_err());
        assert_eq!(started.elapsed(), SECOND);
        let started = clock::now();
        assert!(gate.enter(Deadline::within(SECOND / 4)).await.is_err());
        assert_eq!(started.elapsed(), SECOND / 4);
        assert_eq!(gate.status().waiting, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_goes_away_frees_its_place() {
        let gate = gate(1, 1);
        let _held = gate.enter(later()).await.unwrap();
        {
            let mut waiter = Box::pin(gate.enter(later()));
            assert!(futures_util::poll!(&mut waiter).is_pending());
            assert_eq!(gate.status().waiting, 1);
        }
        assert_eq!(gate.status().waiting, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_to_come_back_follows_how_long_permits_are_held() {
        let gate = gate(1, 0);
        let held = gate.enter(later()).await.unwrap();
        tokio::time::advance(4 * SECOND).await;
        drop(held);
        let _held = gate.enter(later()).await.unwrap();
        assert_eq!(gate.enter(later()).await.unwrap_err().retry_after, 4 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn drains_when_the_last_permit_is_back() {
        let gate = gate(2, 0);
        let held = gate.enter(later()).await.unwrap();
        assert!(!gate.drained(Deadline::within(SECOND)).await);
        drop(held);
        assert!(gate.drained(Deadline::within(SECOND)).await);
        assert_eq!(gate.status().in_use, 0);
    }
}
