//! What a request carries besides its deadline: how critical it is, and what it may still spend on the fleet's memory.
//!
//! It is set once by `serve`, belongs to the request's task and is inherited by the tasks of its
//! [`Scope`](crate::scope::Scope)s. Between functions it travels where no client can write.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// What work outside of a request may spend on the fleet's memory: as much as the policy gives to a request.
const OUTSIDE_OF_A_REQUEST: Duration = Duration::from_millis(50);

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// How much it costs to refuse a request. The most critical one comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criticality {
    /// Must be answered under any load: health.
    Critical,
    /// Somebody waits for the answer.
    #[default]
    Default,
    /// Can be done again later: bulk work.
    Sheddable,
}

/// One request's context. Clones share the allowance.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// How critical it is.
    pub criticality: Criticality,
    /// What it may still spend on the fleet's memory.
    pub store: StoreAllowance,
}

/// How much time one request may still spend on waiting for the control table, over all its dependencies and tasks.
/// Clones share it.
#[derive(Clone, Debug)]
pub struct StoreAllowance(Arc<Purse>);

#[derive(Debug)]
struct Purse {
    whole_us: u64,
    left_us: AtomicU64,
}

/// The context of the request that this task works for; outside of one, default criticality and a fresh allowance.
pub fn current() -> RequestContext {
    CURRENT.try_with(RequestContext::clone).unwrap_or_default()
}

/// How critical the current request is, without the rest.
pub fn criticality() -> Criticality {
    CURRENT.try_with(|context| context.criticality).unwrap_or_default()
}

impl Criticality {
    /// All of them, the most critical first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Default, Self::Sheddable];

    /// Its place in [`Self::ALL`].
    pub(crate) fn rank(self) -> usize {
        self as usize
    }
}

impl RequestContext {
    /// A request with `store` to spend.
    pub fn new(criticality: Criticality, store: Duration) -> Self {
        Self { criticality, store: StoreAllowance::new(store) }
    }

    /// Runs `work` in this context.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Runs `work`, which does not wait, in this context.
    pub fn run_now<T>(&self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), work)
    }
}

impl Default for RequestContext {
    fn default() -> Self {
        Self::new(Criticality::Default, OUTSIDE_OF_A_REQUEST)
    }
}

impl StoreAllowance {
    /// An allowance of `whole`, counted in microseconds.
    pub fn new(whole: Duration) -> Self {
        let whole_us = microseconds(whole);
        Self(Arc::new(Purse { whole_us, left_us: AtomicU64::new(whole_us) }))
    }

    /// Takes what is left, `up_to` at most. Nothing is left: zero.
    pub fn take(&self, up_to: Duration) -> Duration {
        let wanted = microseconds(up_to);
        let before =
            self.0.left_us.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| Some(left.saturating_sub(wanted)));
        Duration::from_micros(before.unwrap_or_else(|left| left).min(wanted))
    }

    /// Puts back what was taken and not spent. It never grows beyond the whole.
    pub fn give_back(&self, unspent: Duration) {
        let unspent = microseconds(unspent);
        let refilled = |left: u64| Some(left.saturating_add(unspent).min(self.0.whole_us));
        let _ = self.0.left_us.fetch_update(Ordering::AcqRel, Ordering::Acquire, refilled);
    }

    /// What is left.
    pub fn left(&self) -> Duration {
        Duration::from_micros(self.0.left_us.load(Ordering::Acquire))
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::Policy;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn outside_of_a_request_the_shipped_allowance_counts() {
        assert_eq!(OUTSIDE_OF_A_REQUEST, Policy::embedded().unwrap().service.store_allowance);
        assert_eq!(current().store.left(), OUTSIDE_OF_A_REQUEST);
        assert_eq!(criticality(), Criticality::Default);
    }

    #[test]
    fn an_allowance_is_spent_once() {
        let allowance = StoreAllowance::new(50 * MS);
        let shared = allowance.clone();
        assert_eq!(allowance.take(30 * MS), 30 * MS);
        assert_eq!(shared.take(30 * MS), 20 * MS);
        assert_eq!(allowance.take(MS), Duration::ZERO);
        shared.give_back(5 * MS);
        assert_eq!(allowance.left(), 5 * MS);
    }

    #[tokio::test]
    async fn a_context_ends_with_its_work() {
        let context = RequestContext::new(Criticality::Sheddable, MS);
        assert_eq!(context.clone().run(async { criticality() }).await, Criticality::Sheddable);
        assert_eq!(context.run_now(|| current().store.left()), MS);
        assert_eq!(criticality(), Criticality::Default);
    }

    proptest! {
        #[test]
        fn an_allowance_never_gives_more_than_it_has(
            whole in 0_u64..100_000,
            steps in prop::collection::vec((any::<bool>(), 0_u64..50_000), 0..50),
        ) {
            let allowance = StoreAllowance::new(Duration::from_micros(whole));
            let mut taken = Duration::ZERO;
            for (back, amount) in steps {
                let amount = Duration::from_micros(amount);
                if back {
                    let unspent = amount.min(taken);
                    allowance.give_back(unspent);
                    taken -= unspent;
                } else {
                    taken += allowance.take(amount);
                }
                prop_assert_eq!(taken + allowance.left(), Duration::from_micros(whole));
            }
        }
    }
}
