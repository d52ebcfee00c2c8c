//! What an attempt's end says about the dependency, and about trying again.

use std::time::Duration;

/// Whether a call may be repeated. Declared by every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Doing it twice is as good as doing it once: may be retried and hedged.
    Idempotent,
    /// It must happen at most once.
    Once,
}

/// What an error says about the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not well: counts, and may pass.
    Fault,
    /// It is well and wants fewer calls; until when, if it said so. Parks it, fleet-wide.
    Limited(Option<Duration>),
    /// Its quota is used up: trying again is pointless until it is reset.
    Exhausted,
    /// It answered, and the request was at fault, or nothing reached it: says nothing.
    Ignored,
}

/// Errors that know what they say about the dependency.
pub trait Classify {
    /// What it says.
    fn verdict(&self) -> Verdict;
}
