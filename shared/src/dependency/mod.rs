//! The one door: every call that leaves the process goes through [`Dependency::call`].
//!
//! In order: deadline, breaker, bulkhead, turn of the rate limit, attempt under a timeout, classification, record,
//! retry. The bulkhead stands before the rate limit so that a turn is used the moment it comes: a window that is
//! strict at the provider needs calls to arrive when they were granted. Everything held is given back by drop.

mod attempt;
mod error;
mod hedge;
mod outcome;
mod retry;
mod status;
mod stream;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use futures_util::{Stream, StreamExt};

pub use error::CallError;
pub use outcome::{Classify, Effect, Verdict};
pub use status::DependencyStatus;
pub use stream::Pieces;

use self::{
    attempt::{End, Held},
    hedge::Quantile,
    outcome::Outcomes,
    retry::RetryBudget,
    stream::Flow,
};
use crate::{
    breaker::Breaker,
    clock::Wall,
    control::Store,
    deadline::Deadline,
    gate::{Gate, GateLimits},
    identity::Identity,
    policy::{DependencyLimits, Policy, RateLimits},
    rate::RateLimiter,
    watermark::Marks,
};

/// An outside service, with its limits. Clones share them.
#[derive(Clone, Debug)]
pub struct Dependency(Arc<Door>);

#[derive(Debug)]
struct Door {
    name: &'static str,
    limits: ArcSwap<DependencyLimits>,
    breaker: Breaker,
    bulkhead: Gate,
    /// Calls in a time.
    rate: ArcSwapOption<RateLimiter>,
    /// Tokens of a model in a time.
    tokens: ArcSwapOption<RateLimiter>,
    budget: RetryBudget,
    latency: Quantile,
    outcomes: Outcomes,
    fleet: Fleet,
}

/// What a dependency needs to act together with the fleet.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Where breakers and limiters are kept; none: each environment stands for itself.
    pub store: Option<Arc<dyn Store>>,
    /// The wall clock.
    pub wall: Wall,
    /// This environment.
    pub identity: Identity,
}

impl Dependency {
    /// The dependency `name`, with its limits from the policy; made by [`Core::dependency`](crate::core::Core::dependency).
    pub fn new(name: &'static str, policy: &Policy, fleet: Fleet) -> Self {
        let limits = policy.dependency(name).clone();
        let Fleet { store, wall, identity } = fleet.clone();
        let door = Self(Arc::new(Door {
            name,
            breaker: Breaker::new(name, &limits, store, wall, identity),
            bulkhead: Gate::new(&format!("bulkhead/{name}"), bulkhead(&limits)),
            rate: ArcSwapOption::empty(),
            tokens: ArcSwapOption::empty(),
            budget: RetryBudget::new(&limits.retry),
            latency: Quantile::default(),
            outcomes: Outcomes::default(),
            fleet,
            limits: ArcSwap::from_pointee(limits),
        }));
        door.0.bulkhead.watch(Marks::of(&policy.service));
        door.adopt_rates(policy);
        door
    }

    /// A dependency that shares nothing with the fleet.
    pub fn alone(name: &'static str, policy: &Policy) -> Self {
        Self::new(name, policy, Fleet { store: None, wall: Wall::System, identity: Identity::random() })
    }

    /// Takes on the limits of a new policy. What is in flight keeps its permits.
    pub fn adopt(&self, policy: &Policy) {
        let limits = policy.dependency(self.0.name);
        self.0.breaker.adopt(limits);
        self.0.bulkhead.watch(Marks::of(&policy.service));
        self.0.bulkhead.resize(bulkhead(limits));
        self.0.budget.adopt(&limits.retry);
        self.0.limits.store(Arc::new(limits.clone()));
        self.adopt_rates(policy);
    }

    /// Its name in the policy.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Its breaker, for operators and status.
    pub fn breaker(&self) -> &Breaker {
        &self.0.breaker
    }

    /// Runs an attempt under all limits, and again where `effect` and the retry budget allow. Each attempt gets its own
    /// deadline; dropping the call cancels it, and is no failure of the dependency.
    pub async fn call<T, E, F, Fut>(&self, deadline: Deadline, effect: Effect, attempt: F) -> Result<T, CallError<E>>
    where
        E: Classify,
        F: FnMut(Deadline) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.call_weighing(deadline, effect, 0, attempt).await
    }

    /// The same for a call that also takes `tokens` of a model; [`Dependency::weighed`] corrects the estimate.
    pub async fn call_weighing<T, E, F, Fut>(
        &self,
        deadline: Deadline,
        effect: Effect,
        tokens: u32,
        attempt: F,
    ) -> Result<T, CallError<E>>
    where
        E: Classify,
        F: FnMut(Deadline) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let (answer, Held { permit, admission, took }) = self.tried(deadline, effect, tokens, attempt).await?;
        drop(permit);
        self.conclude(End::Answer(answer), admission, took, deadline).await
    }

    /// The same for a reply that comes in pieces. The first one belongs to the call. The others come within the time of
    /// an attempt each, and until `until` in all; as long as they come the place in the bulkhead is taken. Their clean
    /// end is a success and a fault among them a failure of the dependency; dropping them says nothing.
    ///
    /// A probe has shown that it is well with its first piece: a stream may last longer than its permit.
    pub async fn call_streaming<T, S, E, F, Fut>(
        &self,
        deadline: Deadline,
        until: Deadline,
        effect: Effect,
        tokens: u32,
        mut attempt: F,
    ) -> Result<Pieces<T, E>, CallError<E>>
    where
        T: Send + 'static,
        S: Stream<Item = Result<T, E>> + Send + Unpin + 'static,
        E: Classify + Send + 'static,
        F: FnMut(Deadline) -> Fut,
        Fut: Future<Output = Result<S, E>>,
    {
        let begin = |deadline| {
            let opening = attempt(deadline);
            async move {
                let mut pieces = opening.await?;
                Ok((pieces.next().await.transpose()?, pieces))
            }
        };
        let ((first, pieces), held) = self.tried(deadline, effect, tokens, begin).await?;
        Ok(Flow::of(self, held, until).await.carry(first, pieces))
    }

    /// Attempts under all limits, until one ends well or none is left.
    async fn tried<T, E, F, Fut>(
        &self,
        deadline: Deadline,
        effect: Effect,
        tokens: u32,
        attempt: F,
    ) -> Result<(T, Held<'_>), CallError<E>>
    where
        E: Classify,
        F: FnMut(Deadline) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let attempt = Mutex::new(attempt);
        let start = |deadline| (attempt.lock().unwrap_or_else(PoisonError::into_inner))(deadline);
        self.0.budget.deposit();
        let mut turn = 0;
        loop {
            let outcome = self.hedged(deadline, effect, tokens, &start).await;
            let Err(error) = outcome else { return outcome };
            turn += 1;
            match self.next_try(turn, effect, &error, deadline) {
                Some(pause) => {
                    Outcomes::count(&self.0.outcomes.retries);
                    tokio::time::sleep(pause).await;
                }
                None => return Err(error),
            }
        }
    }

    /// What a call really weighed, when that is known.
    pub async fn weighed(&self, estimate: u32, actual: u32, deadline: Deadline) {
        if let Some(tokens) = self.0.tokens.load_full()
            && estimate != actual
        {
            tokens.adjust(i64::from(actual) - i64::from(estimate), deadline).await;
        }
    }

    /// How long to pause before the next attempt; none when there is none.
    fn next_try<E: Classify>(
        &self,
        turn: u32,
        effect: Effect,
        error: &CallError<E>,
        deadline: Deadline,
    ) -> Option<Duration> {
        let limits = self.0.limits.load();
        let asked = error.repeatable()?;
        if effect == Effect::Once || turn >= limits.retry.attempts {
            return None;
        }
        let pause = asked.max(limits.retry.backoff(turn, self.0.fleet.identity.jitter()));
        (pause < deadline.remaining() && self.0.budget.withdraw()).then_some(pause)
    }

    fn adopt_rates(&self, policy: &Policy) {
        let (name, limits) = (self.0.name, policy.dependency(self.0.name));
        let environments = policy.environments(name);
        self.adopt_rate(&self.0.rate, name, limits.rate.as_ref(), environments);
        self.adopt_rate(&self.0.tokens, &format!("{name}#tokens"), limits.tokens.as_ref(), environments);
        let marks = Marks::of(&policy.service);
        let limiters = [self.0.rate.load_full(), self.0.tokens.load_full()];
        limiters.into_iter().flatten().for_each(|limiter| limiter.watch(marks));
    }

    fn adopt_rate(
        &self,
        place: &ArcSwapOption<RateLimiter>,
        name: &str,
        limits: Option<&RateLimits>,
        environments: usize,
    ) {
        match (place.load_full(), limits) {
            (_, None) => place.store(None),
            (Some(limiter), Some(limits)) => limiter.adopt(limits, environments),
            (None, Some(limits)) => {
                let Fleet { store, wall, .. } = self.0.fleet.clone();
                place.store(Some(Arc::new(RateLimiter::new(name, limits, environments, store, wall))));
            }
        }
    }
}

fn bulkhead(limits: &DependencyLimits) -> GateLimits {
    let DependencyLimits { concurrent, queue, timeout, adaptive, .. } = *limits;
    GateLimits { in_flight: concurrent, queue, max_wait: timeout, adaptive }
}
