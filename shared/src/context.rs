//! What a request carries besides its deadline: how critical it is, and what it may still spend on the fleet's memory.
//!
//! It is set once by `serve`, belongs to the request's task and is inherited by the tasks of its
//! [`Scope`](crate::scope::Scope)s. Between functions it travels where no client can write.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::clock;

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
/// Waits at the same time count once: what is bounded is by how much the request can be late. Clones share it.
#[derive(Clone, Debug)]
pub struct StoreAllowance(Arc<Mutex<Purse>>);

#[derive(Debug)]
struct Purse {
    whole: Duration,
    left: Duration,
    waiting: usize,
    /// Since when somebody waits.
    since: Instant,
}

/// One wait that is paid from an allowance, until it is dropped.
#[derive(Debug)]
pub struct StoreWait<'a> {
    allowance: &'a StoreAllowance,
    /// When the allowance is used up.
    pub until: Instant,
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
    /// An allowance of `whole`.
    pub fn new(whole: Duration) -> Self {
        Self(Arc::new(Mutex::new(Purse { whole, left: whole, waiting: 0, since: clock::now() })))
    }

    /// Begins a wait; none, when nothing is left.
    pub fn wait(&self) -> Option<StoreWait<'_>> {
        let now = clock::now();
        let mut purse = self.purse();
        if purse.waiting == 0 {
            purse.since = now;
        }
        let until = purse.since + purse.left;
        (until > now).then(|| {
            purse.waiting += 1;
            StoreWait { allowance: self, until }
        })
    }

    /// Takes off what was spent elsewhere on the request's behalf.
    pub fn charge(&self, spent: Duration) {
        let mut purse = self.purse();
        purse.left = purse.left.saturating_sub(spent);
    }

    /// What is left, waits in progress not counted.
    pub fn left(&self) -> Duration {
        self.purse().left
    }

    /// What was spent, waits in progress not counted.
    pub fn spent(&self) -> Duration {
        let purse = self.purse();
        purse.whole - purse.left
    }

    fn purse(&self) -> MutexGuard<'_, Purse> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StoreWait<'_> {
    fn drop(&mut self) {
        let mut purse = self.allowance.purse();
        purse.waiting -= 1;
        if purse.waiting == 0 {
            purse.left = purse.left.saturating_sub(purse.since.elapsed());
        }
    }
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

    #[tokio::test(start_paused = true)]
    async fn waits_one_after_the_other_add_up() {
        let allowance = StoreAllowance::new(50 * MS);
        for left in [30, 10, 0] {
            let wait = allowance.wait().unwrap();
            tokio::time::sleep((20 * MS).min(wait.until - clock::now())).await;
            drop(wait);
            assert_eq!(allowance.left(), left * MS);
        }
        assert!(allowance.wait().is_none());
        assert_eq!(allowance.spent(), 50 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_at_the_same_time_count_once() {
        let allowance = StoreAllowance::new(50 * MS);
        let first = allowance.wait().unwrap();
        tokio::time::sleep(20 * MS).await;
        let second = allowance.wait().unwrap();
        assert_eq!(first.until, second.until);
        drop(first);
        tokio::time::sleep(20 * MS).await;
        drop(second);
        assert_eq!(allowance.left(), 10 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_spent_is_charged() {
        let allowance = StoreAllowance::new(50 * MS);
        allowance.charge(45 * MS);
        assert_eq!(allowance.wait().unwrap().until, clock::now() + 5 * MS);
        allowance.charge(45 * MS);
        assert!(allowance.wait().is_none());
    }

    #[tokio::test]
    async fn a_context_ends_with_its_work() {
        let context = RequestContext::new(Criticality::Sheddable, MS);
        assert_eq!(context.clone().run(async { criticality() }).await, Criticality::Sheddable);
        assert_eq!(context.run_now(|| current().store.left()), MS);
        assert_eq!(criticality(), Criticality::Default);
    }

    proptest! {
        #[expect(clippy::disallowed_types, reason = "as many as the test puts in")]
        #[test]
        fn no_wait_goes_beyond_the_whole(whole in 0_u64..100, waits in prop::collection::vec((0_u64..30, 0_u64..60), 0..40)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let waited = runtime.block_on(async {
                let allowance = StoreAllowance::new(Duration::from_millis(whole));
                let (mut busy, mut busy_until) = (Duration::ZERO, clock::now());
                let mut running = futures_util::stream::FuturesUnordered::new();
                for (pause, length) in waits {
                    tokio::time::advance(Duration::from_millis(pause)).await;
                    while futures_util::FutureExt::now_or_never(futures_util::StreamExt::next(&mut running)).flatten().is_some() {}
                    let Some(wait) = allowance.wait() else { continue };
                    let (from, until) = (clock::now(), wait.until.min(clock::now() + Duration::from_millis(length)));
                    let until = until.max(from);
                    busy += until.saturating_duration_since(from.max(busy_until));
                    busy_until = busy_until.max(until);
                    running.push(async move { tokio::time::sleep_until(until).await; drop(wait) });
                }
                busy
            });
            prop_assert!(waited <= Duration::from_millis(whole), "{waited:?}");
        }
    }
}
