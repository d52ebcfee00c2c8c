//! Why a peer gave nothing, by what the chat does next.

use std::time::Duration;

use shared::{dependency::CallError, invoke::PeerFault, problem::Problem};

/// Come back after this when a peer says "overloaded" without a time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A peer that gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Its function name is not configured.
    #[error("{0} is not configured")]
    NotConfigured(&'static str),
    /// The call ended without a result.
    #[error(transparent)]
    Call(#[from] CallError<PeerFault>),
}

impl PeerError {
    /// A stable word for `degraded` and `tools`.
    pub fn reason(&self) -> &str {
        match self {
            Self::NotConfigured(_) => "not_configured",
            Self::Call(CallError::Fault { source: PeerFault::Overloaded { .. }, .. }) => "overloaded",
            // It knows better than we do what it lacks: an open circuit of its provider stays one.
            Self::Call(CallError::Fault { source: PeerFault::Refused { reason: Some(reason), .. }, .. }) => reason,
            Self::Call(CallError::Fault { source: PeerFault::Refused { status: 503, .. }, .. }) => "unavailable",
            Self::Call(CallError::Fault { source: PeerFault::Refused { status: 504, .. }, .. }) => "timeout",
            Self::Call(error) => error.reason(),
        }
    }
}

impl From<PeerError> for Problem {
    /// The answer when the peer was required. What the client got wrong stays the client's: 404 stays 404.
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::NotConfigured(name) => Self::unavailable(name, "not_configured"),
            PeerError::Call(CallError::Fault { dependency, source }) => match source {
                PeerFault::Overloaded { retry_after } => Self::overloaded(retry_after.unwrap_or(RETRY_AFTER)),
                PeerFault::Refused { status: 503, dependency: Some(missing), reason, retry_after, .. } => {
                    let reason = reason.as_deref().unwrap_or("unavailable");
                    Self { retry_after, ..Self::unavailable(&missing, reason) }
                }
                PeerFault::Refused { status: 504, .. } => Self::deadline(dependency),
                PeerFault::Refused { status: 404, detail, .. } => Self { detail, ..Self::not_found("the collection") },
                _ => Self::unavailable(dependency, "fault"),
            },
            PeerError::Call(CallError::Timeout { dependency }) => Self::deadline(dependency),
            PeerError::Call(error) => error.into(),
        }
    }
}
