//! What to do next, given what is seen: pure, so that tests and the model checker run what production runs.

use super::{
    record::{Forced, Record, State},
    row::Row,
    rules::{Rules, SKEW_MS},
};

/// How often a half-open view, or an operator's word, is looked at again, in milliseconds.
pub const SOON_MS: i64 = 500;

/// What a breaker says to a call that wants to go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It may.
    Admit,
    /// It may if this is written.
    Try(Row),
    /// It may not, until about then.
    Refuse {
        /// Milliseconds since the epoch.
        until: i64,
        /// Why.
        why: Refusal,
    },
}

/// Why a call may not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It failed too often, or is being tried by others.
    Open,
    /// An operator said so.
    ForcedOpen,
    /// It asked to be left alone.
    Parked,
}

/// What a call's end says about the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is well.
    Success,
    /// It is not.
    Failure,
    /// Nothing: a local cause.
    Inconclusive,
}

/// Under which generation, and in which slot, a call went out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pass {
    /// The generation that admitted it.
    pub generation: i64,
    /// The slot of a probe.
    pub slot: Option<usize>,
    /// The probe's token, or the nonce under which a failure would be counted.
    pub nonce: String,
}

/// What a call that wants to go out is told.
pub fn enter(seen: &Record, now: i64, rules: &Rules) -> Entry {
    match (seen.forced, seen.state) {
        (Forced::Open, _) => Entry::Refuse { until: now + SOON_MS, why: Refusal::ForcedOpen },
        (Forced::Closed, _) => Entry::Admit,
        _ if seen.parked_until > now => Entry::Refuse { until: seen.parked_until, why: Refusal::Parked },
        (_, State::Closed) => Entry::Admit,
        (_, State::Open) if seen.open_until - now > rules.max_recovery.max(rules.recovery) + SKEW_MS => {
            Entry::Try(Row::Repair)
        }
        (_, State::Open) if now < seen.open_until => Entry::Refuse { until: seen.open_until, why: Refusal::Open },
        (_, State::Open) => Entry::Try(Row::Begin),
        (_, State::HalfOpen) => match free_slot(seen, now) {
            Some(slot) => Entry::Try(Row::Acquire(slot)),
            None => Entry::Refuse { until: now + SOON_MS, why: Refusal::Open },
        },
    }
}

/// What a call's end changes; nothing, when it belongs to another generation.
pub fn settle(seen: &Record, pass: &Pass, verdict: Verdict, now: i64, rules: &Rules) -> Option<Row> {
    if seen.forced != Forced::No || seen.generation != pass.generation {
        return None;
    }
    match (seen.state, pass.slot, verdict) {
        (State::HalfOpen, Some(slot), _) if seen.slots[slot].token.as_deref() != Some(&pass.nonce) => None,
        (State::HalfOpen, Some(slot), Verdict::Success) if seen.others_succeeded(slot) => Some(Row::Close(slot)),
        (State::HalfOpen, Some(slot), Verdict::Success) => Some(Row::Succeed(slot)),
        (State::HalfOpen, Some(slot), Verdict::Failure) => Some(Row::Reopen(slot)),
        // A round whose probes keep saying nothing ends: it must not hold the breaker half open for ever.
        (State::HalfOpen, Some(slot), Verdict::Inconclusive) if seen.inconclusive >= 2 => Some(Row::Reopen(slot)),
        (State::HalfOpen, Some(slot), Verdict::Inconclusive) => Some(Row::Release(slot)),
        (State::Closed, None, Verdict::Failure) => Some(failed(seen, now, rules)),
        (State::Closed, None, Verdict::Success) if seen.has_failures(now) => Some(Row::Reset),
        _ => None,
    }
}

/// Whether a write that was reported as lost was ours all the same: its reply had been lost.
pub fn was_mine(row: Row, found: &Record, pass: &Pass) -> bool {
    match row {
        Row::Count | Row::Restart | Row::Trip | Row::TripByRatio => found.last.as_deref() == Some(&pass.nonce),
        Row::Begin | Row::Acquire(_) => found.slot_of(&pass.nonce).is_some(),
        Row::Succeed(slot) => found.slot_of(&pass.nonce) == Some(slot) && found.slots[slot].ok,
        _ => false,
    }
}

fn failed(seen: &Record, now: i64, rules: &Rules) -> Row {
    let running = seen.failures_expire > now;
    match seen.failures {
        _ if rules.failure_threshold == 1 => Row::Trip,
        _ if !running => Row::Restart,
        failures if failures >= rules.failure_threshold - 1 => Row::Trip,
        _ => Row::Count,
    }
}

fn free_slot(seen: &Record, now: i64) -> Option<usize> {
    let free = |slot: &super::record::Slot| slot.token.is_none() || (!slot.ok && slot.expires < now - SKEW_MS);
    seen.slots.iter().take(seen.calls).position(free)
}
