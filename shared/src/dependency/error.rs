//! Why a call has no result, by what the caller can do next.

use std::time::Duration;

use super::outcome::{Classify, Verdict};
use crate::breaker::Refusal;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E> {
    /// The caller's deadline had passed before the call began: nothing was sent.
    #[error("no time was left for {dependency}")]
    Expired {
        /// Whom it was for.
        dependency: &'static str,
    },
    /// The circuit breaker is open, or the dependency asked for a pause: nothing was sent.
    #[error("{dependency} is left alone for now")]
    Open {
        /// Who is left alone.
        dependency: &'static str,
        /// When it is tried again.
        retry_after: Duration,
        /// Why.
        why: Refusal,
    },
    /// The rate limit that the fleet shares leaves no turn in time: nothing was sent.
    #[error("the limit of {dependency} is reached")]
    RateLimited {
        /// Whom it protects.
        dependency: &'static str,
        /// When a turn is likely to be free.
        retry_after: Duration,
    },
    /// Our own bulkhead is full: nothing was sent.
    #[error("too many calls to {dependency} at once")]
    Refused {
        /// Whom it protects.
        dependency: &'static str,
        /// When a place is likely to be free.
        retry_after: Duration,
    },
    /// No answer within the attempt's timeout.
    #[error("{dependency} did not answer in time")]
    Timeout {
        /// Who was late.
        dependency: &'static str,
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

impl<E> CallError<E> {
    /// The dependency concerned.
    pub fn dependency(&self) -> &'static str {
        match self {
            Self::Expired { dependency }
            | Self::Open { dependency, .. }
            | Self::RateLimited { dependency, .. }
            | Self::Refused { dependency, .. }
            | Self::Timeout { dependency }
            | Self::Fault { dependency, .. } => dependency,
        }
    }
}

impl<E: Classify> CallError<E> {
    /// A stable word for replies, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "no_time_left",
            Self::Open { why: Refusal::Parked, .. } => "parked",
            Self::Open { .. } => "circuit_open",
            Self::RateLimited { .. } => "rate_limited",
            Self::Refused { .. } => "overloaded",
            Self::Timeout { .. } => "timeout",
            Self::Fault { source, .. } => match source.verdict() {
                Verdict::Limited(_) => "rate_limited",
                Verdict::Exhausted => "quota",
                Verdict::Fault | Verdict::Ignored => "fault",
            },
        }
    }

    /// When coming back makes sense, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Open { retry_after, .. }
            | Self::RateLimited { retry_after, .. }
            | Self::Refused { retry_after, .. } => Some(*retry_after),
            Self::Fault { source, .. } => match source.verdict() {
                Verdict::Limited(asked) => asked,
                Verdict::Fault | Verdict::Exhausted | Verdict::Ignored => None,
            },
            Self::Expired { .. } | Self::Timeout { .. } => None,
        }
    }

    /// Whether another attempt may help, and the pause that was asked for.
    pub(super) fn repeatable(&self) -> Option<Duration> {
        match self {
            Self::Timeout { .. } => Some(Duration::ZERO),
            Self::Fault { source, .. } => match source.verdict() {
                Verdict::Fault => Some(Duration::ZERO),
                Verdict::Limited(after) => after,
                Verdict::Exhausted | Verdict::Ignored => None,
            },
            _ => None,
        }
    }
}
