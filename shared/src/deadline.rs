//! One clock for a request: a point in time, made at the edge, that travels into every stage and call.
//!
//! Between functions it travels as what remains and as an absolute time. The absolute one also counts the
//! time on the way, but only when the two clocks agree (within [`CLOCK_AGREEMENT`]).

use std::{future::Future, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::clock;

/// An absolute deadline may lie this much before "now + remaining": the time that a hop may take.
const CLOCK_AGREEMENT: Duration = Duration::from_secs(2);

/// The point in time by which an answer must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// A wait that was cut at its deadline, and which wait it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed during {0}")]
pub struct Elapsed(pub &'static str);

/// A deadline on its way to another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Travelling {
    /// What remained when it was sent, in milliseconds.
    pub timeout_ms: u64,
    /// The same point on the sender's wall clock, in milliseconds since the epoch.
    pub deadline_ms: u64,
}

impl Deadline {
    /// The deadline `budget` from now.
    pub fn within(budget: Duration) -> Self {
        Self(clock::now() + budget)
    }

    /// The deadline at a point in time.
    pub(crate) fn from_instant(at: Instant) -> Self {
        Self(at)
    }

    /// Whether nothing was left at `now`.
    pub(crate) fn passed(&self, now: Instant) -> bool {
        self.0 <= now
    }

    /// The earlier of two deadlines.
    pub fn or_sooner(self, other: Self) -> Self {
        self.min(other)
    }

    /// What is left; zero once it has passed.
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(clock::now())
    }

    /// Whether nothing is left.
    pub fn expired(&self) -> bool {
        self.remaining().is_zero()
    }

    /// The deadline of a stage: its ceiling, or what remains beyond what later stages have reserved.
    pub fn stage(&self, ceiling: Duration, reserved: Duration) -> Self {
        Self::within(ceiling.min(self.remaining().saturating_sub(reserved)))
    }

    /// Runs `work` until the deadline. `what` names the wait in the error.
    pub async fn bound<F: Future>(&self, what: &'static str, work: F) -> Result<F::Output, Elapsed> {
        tokio::time::timeout_at(self.0, work).await.map_err(|_| Elapsed(what))
    }

    /// The form in which it travels.
    pub fn travelling(&self) -> Travelling {
        let timeout_ms = u64::try_from(self.remaining().as_millis()).unwrap_or(u64::MAX);
        Travelling { timeout_ms, deadline_ms: clock::unix_ms().saturating_add(timeout_ms) }
    }
}

impl Travelling {
    /// The deadline it stands for here. A deadline can only shrink on the way.
    pub fn arrived(self) -> Deadline {
        let now = clock::unix_ms();
        let latest = now.saturating_add(self.timeout_ms);
        let earliest = latest.saturating_sub(u64::try_from(CLOCK_AGREEMENT.as_millis()).unwrap_or(0));
        let clocks_agree = (earliest..=latest).contains(&self.deadline_ms);
        let left = if clocks_agree { self.deadline_ms.saturating_sub(now) } else { self.timeout_ms };
        Deadline::within(Duration::from_millis(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stage_leaves_what_is_reserved() {
        let deadline = Deadline::within(Duration::from_secs(3));
        let stage = deadline.stage(Duration::from_millis(800), Duration::from_millis(2_500));
        assert_eq!(stage.remaining(), Duration::from_millis(500));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stage_never_exceeds_its_ceiling_nor_goes_below_zero() {
        let deadline = Deadline::within(Duration::from_millis(100));
        assert_eq!(deadline.stage(Duration::from_millis(20), Duration::ZERO).remaining(), Duration::from_millis(20));
        assert!(deadline.stage(Duration::from_secs(1), Duration::from_secs(1)).expired());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_says_which_one_was_cut() {
        let deadline = Deadline::within(Duration::from_millis(5));
        let cut = deadline.bound("a reply", std::future::pending::<()>()).await;
        assert_eq!(cut, Err(Elapsed("a reply")));
    }

    #[tokio::test(start_paused = true)]
    async fn time_on_the_way_counts_when_clocks_agree() {
        let sent = Travelling { timeout_ms: 1_000, deadline_ms: clock::unix_ms() + 600 };
        let left = sent.arrived().remaining();
        assert!(left <= Duration::from_millis(600) && left > Duration::from_millis(400), "{left:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_foreign_clock_is_ignored() {
        for skew in [-30_000_i64, 5_000] {
            let deadline_ms = clock::unix_ms().saturating_add_signed(1_000 + skew);
            let left = Travelling { timeout_ms: 1_000, deadline_ms }.arrived().remaining();
            assert_eq!(left, Duration::from_millis(1_000), "skew {skew}");
        }
    }
}
