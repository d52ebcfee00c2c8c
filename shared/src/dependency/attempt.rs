//! One attempt, through every limit and back.

use std::{convert::Infallible, future::Future, pin::pin, task::Poll, time::Duration};

use super::{CallError, Classify, Dependency, Verdict, outcome::Outcomes};
use crate::{
    breaker::{self, Admission},
    clock::{self, Wall},
    deadline::Deadline,
    gate::Permit,
};

/// A provider that says "fewer" without saying for how long is left alone for this long.
const DEFAULT_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that a provider's word is followed for: a bad header must not silence it for a day.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// A used-up plan is looked at again after this.
const EXHAUSTED_PAUSE: Duration = Duration::from_secs(5 * 60);

/// How the attempt itself ended.
pub(super) enum End<T, E> {
    Answer(T),
    Fault(E),
    /// Cut by the attempt's own timeout.
    Late,
    /// Cut because the request ran out of time, early in the attempt.
    Cut,
}

/// What an attempt that ended well still holds.
pub(super) struct Held<'a> {
    pub(super) permit: Permit,
    pub(super) admission: Admission<'a>,
    pub(super) took: Duration,
}

impl Dependency {
    /// One attempt. A failure is told to the breaker here, a success by whoever gets what it holds.
    pub(super) async fn attempt<T, E, F, Fut>(
        &self,
        deadline: Deadline,
        tokens: u32,
        start: &F,
    ) -> Result<(T, Held<'_>), CallError<E>>
    where
        E: Classify,
        F: Fn(Deadline) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let door = &*self.0;
        if deadline.expired() {
            return Err(CallError::Expired { dependency: door.name });
        }
        let timeout = door.limits.load().timeout;
        let admission = door.breaker.admit(deadline).await.map_err(|refused| self.open(refused))?;
        let refresh = door.breaker.wants_refresh();
        let passed = self.pass(deadline, tokens).await;
        let permit = match passed {
            Ok(permit) => permit,
            Err(error) => {
                // Nothing reached it: a probe must give its slot to somebody else.
                admission.settle(breaker::Verdict::Inconclusive, Duration::ZERO, deadline).await;
                return Err(error);
            }
        };
        if admission.probe_until.is_some_and(|until| door.fleet.wall.now_ms() >= until) {
            // The permit is as good as expired; nothing was sent.
            admission.settle(breaker::Verdict::Inconclusive, Duration::ZERO, deadline).await;
            return Err(CallError::Expired { dependency: door.name });
        }
        let began = clock::now();
        let own = deadline.stage(timeout, Duration::ZERO);
        // With less than half of its time it says nothing about the dependency when it is cut.
        let full = own.remaining() >= timeout / 2;
        let probe_until = admission.probe_until;
        let work = async {
            let attempt = within(door.fleet.wall, probe_until, start(own));
            match own.bound(door.name, attempt).await {
                Ok(Some(Ok(answer))) => End::Answer(answer),
                Ok(Some(Err(fault))) => End::Fault(fault),
                Ok(None) => End::Late,
                Err(_) if full => End::Late,
                Err(_) => End::Cut,
            }
        };
        let end = match refresh {
            None => work.await,
            Some(refresh) => tokio::join!(work, refresh.run(deadline)).0,
        };
        let took = began.elapsed();
        let end = match end {
            End::Answer(answer) => return Ok((answer, Held { permit, admission, took })),
            End::Fault(fault) => End::Fault(fault),
            End::Late => End::Late,
            End::Cut => End::Cut,
        };
        drop(permit);
        self.conclude(end, admission, took, deadline).await.map(|never: Infallible| match never {})
    }

    /// The bulkhead, then the turn.
    async fn pass<E>(&self, deadline: Deadline, tokens: u32) -> Result<Permit, CallError<E>> {
        let door = &*self.0;
        let permit = door.bulkhead.enter(deadline).await.map_err(|full| {
            Outcomes::count(&door.outcomes.refused);
            CallError::Refused { dependency: door.name, retry_after: full.retry_after }
        })?;
        let limited = |limit: crate::rate::TooMany| {
            Outcomes::count(&door.outcomes.rate_limited);
            CallError::RateLimited { dependency: door.name, retry_after: limit.retry_after }
        };
        let weight = i64::from(tokens);
        let by_tokens = door.tokens.load_full().filter(|_| weight > 0);
        if let Some(limiter) = &by_tokens {
            limiter.acquire(weight, deadline, deadline).await.map_err(limited)?;
        }
        if let Some(limiter) = door.rate.load_full()
            && let Err(limit) = limiter.acquire(1, deadline, deadline).await
        {
            // What will not be used goes back.
            if let Some(tokens) = &by_tokens {
                tokens.adjust(-weight, deadline).await;
            }
            return Err(limited(limit));
        }
        Ok(permit)
    }

    /// Tells the breaker and the counters, and turns the end into the caller's result.
    pub(super) async fn conclude<T, E: Classify>(
        &self,
        end: End<T, E>,
        admission: Admission<'_>,
        took: Duration,
        deadline: Deadline,
    ) -> Result<T, CallError<E>> {
        let door = &*self.0;
        match end {
            End::Answer(answer) => {
                Outcomes::count(&door.outcomes.ok);
                door.latency.record(took);
                admission.settle(breaker::Verdict::Success, took, deadline).await;
                Ok(answer)
            }
            End::Late => {
                Outcomes::count(&door.outcomes.timeout);
                admission.settle(breaker::Verdict::Failure, took, deadline).await;
                Err(CallError::Timeout { dependency: door.name })
            }
            // It had less time than it may take: that says nothing about it.
            End::Cut => {
                Outcomes::count(&door.outcomes.timeout);
                admission.settle(breaker::Verdict::Inconclusive, took, deadline).await;
                Err(CallError::Timeout { dependency: door.name })
            }
            End::Fault(source) => {
                Outcomes::count(&door.outcomes.fault);
                self.heed(source.verdict(), admission, took, deadline).await;
                Err(CallError::Fault { dependency: door.name, source })
            }
        }
    }

    async fn heed(&self, verdict: Verdict, admission: Admission<'_>, took: Duration, deadline: Deadline) {
        let pause = match verdict {
            Verdict::Fault => return admission.settle(breaker::Verdict::Failure, took, deadline).await,
            Verdict::Ignored => return admission.settle(breaker::Verdict::Inconclusive, took, deadline).await,
            Verdict::Limited(asked) => asked.unwrap_or(DEFAULT_PAUSE).min(LONGEST_PAUSE),
            Verdict::Exhausted => EXHAUSTED_PAUSE,
        };
        if let Some(limiter) = self.0.rate.load_full() {
            limiter.block(pause, deadline).await;
        }
        admission.park(pause, deadline).await;
    }

    fn open<E>(&self, refused: breaker::Refused) -> CallError<E> {
        Outcomes::count(&self.0.outcomes.open);
        let breaker::Refused { retry_after, why } = refused;
        CallError::Open { dependency: self.0.name, retry_after, why }
    }
}

/// Ends a probe when its permit is about to expire, by the wall clock: looked at on every wake, since an environment
/// may have been frozen for any time in between.
async fn within<F: Future>(wall: Wall, until: Option<i64>, work: F) -> Option<F::Output> {
    let Some(until) = until else { return Some(work.await) };
    let mut work = pin!(work);
    std::future::poll_fn(
        |context| {
            if wall.now_ms() >= until { Poll::Ready(None) } else { work.as_mut().poll(context).map(Some) }
        },
    )
    .await
}
