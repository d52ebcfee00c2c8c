//! The one door: every call that leaves the process goes through [`Dependency::call`].
//!
//! In order: deadline, bulkhead, attempt under a timeout, classification, record. The circuit breaker stands
//! between deadline and bulkhead and the retry after the record; both find their places in [`Dependency::call`]
//! and in no caller.

mod outcome;

pub use outcome::{Classify, Effect, Verdict};

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Serialize;

use crate::{
    deadline::Deadline,
    gate::{Gate, GateLimits, GateStatus},
    policy::{DependencyLimits, Policy},
};

/// An outside service, with its limits. Clones share them.
#[derive(Clone, Debug)]
pub struct Dependency(Arc<Door>);

#[derive(Debug)]
struct Door {
    name: &'static str,
    timeout: Duration,
    bulkhead: Gate,
    outcomes: Outcomes,
}

#[derive(Debug, Default)]
struct Outcomes {
    ok: AtomicU64,
    timeout: AtomicU64,
    refused: AtomicU64,
    fault: AtomicU64,
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E> {
    /// The caller's deadline had passed before the call began: nothing was sent.
    #[error("no time was left for {dependency}")]
    Expired {
        /// Whom it was for.
        dependency: &'static str,
    },
    /// No answer within the attempt's timeout.
    #[error("{dependency} did not answer in time")]
    Timeout {
        /// Who was late.
        dependency: &'static str,
    },
    /// Our own bulkhead is full: nothing was sent.
    #[error("too many calls to {dependency} at once")]
    Refused {
        /// Whom it protects.
        dependency: &'static str,
        /// When a place is likely to be free.
        retry_after: Duration,
    },
    /// It answered, with a fault.
    #[error("{dependency} failed")]
    Fault {
        /// Who failed.
        dependency: &'static str,
        /// How.
        source: E,
    },
}

/// What a dependency looks like from this process.
#[derive(Clone, Debug, Serialize)]
pub struct DependencyStatus {
    /// Its name in the policy.
    pub name: &'static str,
    /// Calls in progress and waiting.
    pub bulkhead: GateStatus,
    /// Calls that ended well.
    pub ok: u64,
    /// Calls cut at their timeout.
    pub timeout: u64,
    /// Calls refused by the bulkhead.
    pub refused: u64,
    /// Calls that ended in a fault.
    pub fault: u64,
}

impl Dependency {
    /// The dependency `name`, with its limits from the policy.
    pub fn new(name: &'static str, policy: &Policy) -> Self {
        let limits = policy.dependency(name);
        let bulkhead = Gate::new(bulkhead(limits));
        Self(Arc::new(Door { name, timeout: limits.timeout, bulkhead, outcomes: Outcomes::default() }))
    }

    /// Takes on the limits of a new policy.
    pub(crate) fn adopt(&self, policy: &Policy) {
        let limits = policy.dependency(self.0.name);
        self.0.bulkhead.resize(bulkhead(limits));
    }

    /// A dependency that shares nothing with the fleet.
    pub(crate) fn alone(name: &'static str, policy: &Policy) -> Self {
        Self::new(name, policy)
    }

    /// Its name in the policy.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The longest that one attempt may take.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Runs one attempt under all limits. The attempt gets its own deadline; dropping the call cancels it.
    pub async fn call<T, E, F, Fut>(
        &self,
        deadline: Deadline,
        _effect: Effect,
        mut attempt: F,
    ) -> Result<T, CallError<E>>
    where
        E: Classify,
        F: FnMut(Deadline) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let Door { name: dependency, timeout, bulkhead, outcomes } = &*self.0;
        if deadline.expired() {
            return Err(CallError::Expired { dependency });
        }
        let _permit = bulkhead.enter(deadline).await.map_err(|full| {
            Outcomes::count(&outcomes.refused);
            CallError::Refused { dependency, retry_after: full.retry_after }
        })?;
        let attempt_deadline = deadline.stage(*timeout, Duration::ZERO);
        match attempt_deadline.bound(dependency, attempt(attempt_deadline)).await {
            Ok(Ok(reply)) => {
                Outcomes::count(&outcomes.ok);
                Ok(reply)
            }
            Ok(Err(source)) => {
                Outcomes::count(&outcomes.fault);
                Err(CallError::Fault { dependency, source })
            }
            Err(_) => {
                Outcomes::count(&outcomes.timeout);
                Err(CallError::Timeout { dependency })
            }
        }
    }

    /// What it looks like from this process.
    pub fn status(&self) -> DependencyStatus {
        let Door { name, bulkhead, outcomes, .. } = &*self.0;
        DependencyStatus {
            name,
            bulkhead: bulkhead.status(),
            ok: outcomes.ok.load(Ordering::Relaxed),
            timeout: outcomes.timeout.load(Ordering::Relaxed),
            refused: outcomes.refused.load(Ordering::Relaxed),
            fault: outcomes.fault.load(Ordering::Relaxed),
        }
    }
}

fn bulkhead(limits: &DependencyLimits) -> GateLimits {
    let DependencyLimits { concurrent, queue, timeout, adaptive, .. } = *limits;
    GateLimits { in_flight: concurrent, queue, max_wait: timeout, adaptive }
}

impl Outcomes {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl<E> CallError<E> {
    /// The dependency concerned.
    pub fn dependency(&self) -> &'static str {
        match self {
            Self::Expired { dependency }
            | Self::Timeout { dependency }
            | Self::Refused { dependency, .. }
            | Self::Fault { dependency, .. } => dependency,
        }
    }

    /// A stable word for replies, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "no_time_left",
            Self::Timeout { .. } => "timeout",
            Self::Refused { .. } => "overloaded",
            Self::Fault { .. } => "fault",
        }
    }
}
