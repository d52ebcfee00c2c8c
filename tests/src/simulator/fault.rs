//! How a provider misbehaves, and for how long.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// A fault of one provider. As JSON, e.g. `{"effect": {"status": {"code": 429, "retry_after": 2}}, "times": 3}` or
/// `{"effect": "stall"}` or `{"latency_ms": 900}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens to the answer.
    #[serde(default = "Fault::no_effect")]
    pub effect: Effect,
    /// Wait before the effect, in milliseconds.
    #[serde(default)]
    pub latency_ms: u32,
    /// How many requests it hits before the provider is healthy again; absent = until told.
    #[serde(default)]
    pub times: Option<u32>,
}

/// What happens to an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Nothing: the answer is right, if late.
    Healthy,
    /// The request is read and never answered.
    Stall,
    /// Half of the answer comes, the rest never does, and the connection stays open.
    StallBody,
    /// An error in the provider's own envelope.
    Status {
        /// The HTTP status, e.g. 429, 432, 500, 503.
        code: u16,
        /// Seconds, sent as `Retry-After`.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// A 200 whose body is no JSON.
    Malformed,
    /// An answer of the right form that cannot be true, where the provider has such.
    Nonsense,
    /// Half of the answer, then the connection closes.
    Truncated,
    /// The connection closes without a byte of an answer.
    Cut,
    /// The right answer, `bytes` at a time, `interval_ms` apart.
    Drip {
        /// Per piece; 0 counts as 1.
        bytes: u32,
        /// Between two pieces, in milliseconds.
        interval_ms: u32,
    },
    /// The right answer after more than 2 MiB of insignificant white space.
    Oversized,
    /// The right answer, called `text/html`.
    ContentType,
}

impl Fault {
    /// A fault of this effect, at once and until told.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self { effect, latency_ms: 0, times: None }
    }

    /// The right answer after `latency_ms`.
    #[must_use]
    pub fn latency(latency_ms: u32) -> Self {
        Self { latency_ms, ..Self::new(Effect::Healthy) }
    }

    /// The provider's error envelope with this status.
    #[must_use]
    pub fn status(code: u16) -> Self {
        Self::new(Effect::Status { code, retry_after: None })
    }

    /// 429 with `Retry-After: <seconds>`.
    #[must_use]
    pub fn rate_limited(seconds: u64) -> Self {
        Self::new(Effect::Status { code: 429, retry_after: Some(seconds) })
    }

    /// Hits this many requests, then the provider is healthy again.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    pub(super) fn wait(&self) -> Duration {
        Duration::from_millis(self.latency_ms.into())
    }

    fn no_effect() -> Effect {
        Effect::Healthy
    }
}

/// The fault of one provider, if it has one.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Option<Fault>>);

impl Faults {
    pub(super) fn set(&self, fault: Fault) {
        *self.slot() = Some(fault);
    }

    pub(super) fn clear(&self) {
        *self.slot() = None;
    }

    /// The fault that hits the request which has just come in; counts it down.
    pub(super) fn take(&self) -> Option<Fault> {
        let mut slot = self.slot();
        let fault = slot.as_mut()?;
        let hit = fault.clone();
        match fault.times.as_mut() {
            Some(0) => *slot = None,
            Some(times) => *times -= 1,
            None => {}
        }
        (hit.times != Some(0)).then_some(hit)
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
