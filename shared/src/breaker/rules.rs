//! The numbers of a breaker, in the units of its item.

use std::time::Duration;

use crate::policy::{BreakerLimits, DependencyLimits};

/// Clocks of a fleet may differ by this much, in milliseconds: the grain of a `Date` header.
pub const SKEW_MS: i64 = 1_000;
/// A clock that seems further off than this is not trusted with a write.
pub const SUSPICIOUS_SKEW_MS: i64 = 2_000;

/// What decides. Times in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Failures in a row that open it.
    pub failure_threshold: i64,
    /// How long a run of failures is remembered.
    pub failure_window: i64,
    /// How long it stays open.
    pub recovery: i64,
    /// Each failed round multiplies that ..
    pub reopen_multiplier: i64,
    /// .. up to this.
    pub max_recovery: i64,
    /// Successes that close it, and calls that may try at once.
    pub half_open_calls: usize,
    /// A probe ends by then.
    pub probe_timeout: i64,
    /// When a probe's holder is taken for dead.
    pub permit_ttl: i64,
    /// Trips by share, when the policy has one.
    pub ratio: Option<RatioRules>,
}

/// Trips by the share of failures, or of slow calls, in the last while.
#[derive(Clone, Debug, PartialEq)]
pub struct RatioRules {
    /// The share of failures.
    pub failures: Option<f64>,
    /// What is slow, and the share of slow calls.
    pub slow: Option<(Duration, f64)>,
    /// With fewer calls nothing is decided.
    pub minimum: i64,
    /// How long a call counts.
    pub sampling: i64,
}

impl Rules {
    /// The rules of a dependency.
    pub fn of(limits: &DependencyLimits) -> Self {
        let BreakerLimits { recovery_timeout, max_recovery_timeout, probe_timeout, permit_ttl, .. } = &limits.breaker;
        let breaker = &limits.breaker;
        Self {
            failure_threshold: i64::from(breaker.failure_threshold.max(1)),
            failure_window: milliseconds(breaker.failure_window),
            recovery: milliseconds(*recovery_timeout),
            reopen_multiplier: i64::from(breaker.reopen_multiplier.max(1)),
            max_recovery: milliseconds(*max_recovery_timeout),
            half_open_calls: breaker.half_open_calls.clamp(1, 5) as usize,
            probe_timeout: milliseconds((*probe_timeout).min(limits.timeout)),
            permit_ttl: milliseconds(*permit_ttl),
            ratio: RatioRules::of(breaker),
        }
    }

    /// The same for a breaker that stands for itself while the store is away.
    pub fn alone(&self) -> Self {
        Self { half_open_calls: 1, ..self.clone() }
    }

    /// How long it stays open after `reopens` failed rounds.
    pub fn recovery_after(&self, reopens: i64) -> i64 {
        let exponent = u32::try_from(reopens.clamp(0, 16)).unwrap_or(16);
        let factor = self.reopen_multiplier.saturating_pow(exponent);
        self.recovery.saturating_mul(factor).min(self.max_recovery.max(self.recovery))
    }
}

impl RatioRules {
    fn of(breaker: &BreakerLimits) -> Option<Self> {
        let slow = breaker.slow_call_threshold.map(|threshold| (threshold, breaker.slow_call_ratio));
        (breaker.failure_ratio.is_some() || slow.is_some()).then(|| Self {
            failures: breaker.failure_ratio,
            slow,
            minimum: i64::from(breaker.minimum_throughput),
            sampling: milliseconds(breaker.sampling_duration),
        })
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
