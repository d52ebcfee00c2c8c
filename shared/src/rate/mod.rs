//! Rate limits that the whole fleet keeps together: each call takes its turn in one item, and waits for it.
//!
//! [`window`] and [`bucket`] decide, on plain items; this file asks the fleet, and keeps this environment's share
//! alone while the store is away. A reservation is one write however long the wait; a refusal is computed from the
//! last answer and costs nothing.

pub mod bucket;
mod limiter;
pub mod window;

use std::time::Duration;

pub use limiter::{LimiterStatus, RateLimiter, TooMany};

use crate::{
    control::{Attribute, Test, Write},
    policy::{Algorithm, RateLimits, Scope},
};

/// The attributes of a limiter's item, but for its ring.
pub const ATTRIBUTES: &[Attribute] = &["tat", "i", "block"];
/// The places of a window.
pub const RING: &[Attribute] = &[
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r16", "r17",
    "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28", "r29", "r30", "r31", "r32", "r33",
    "r34", "r35", "r36", "r37", "r38", "r39", "r40", "r41", "r42", "r43", "r44", "r45", "r46", "r47", "r48", "r49",
    "r50", "r51", "r52", "r53", "r54", "r55", "r56", "r57", "r58", "r59", "r60", "r61", "r62", "r63",
];

/// Clocks of a fleet may differ by this much, in milliseconds.
const SKEW_MS: i64 = 1_000;
/// From its grant until it reaches the provider a call takes at most this long, in milliseconds; one that was held
/// up longer asks again.
pub const ARRIVAL_MS: i64 = 500;
/// Until when the provider asked everybody to wait, in milliseconds since the epoch.
const BLOCK: Attribute = "block";

/// A limit, in the units of the item. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls, or tokens, ..
    pub limit: i64,
    /// .. in any time of this length.
    pub per: i64,
    /// How many may go at once after a pause.
    pub burst: i64,
    /// Nobody waits longer for a turn.
    pub max_wait: i64,
    /// What a call may take from grant to arrival.
    pub arrival: i64,
    /// Whether clocks of several machines write.
    pub fleet: bool,
}

/// A turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// When the call may go, in milliseconds since the epoch.
    pub at: i64,
}

/// No turn before this time, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUntil(pub i64);

impl Quota {
    /// The quota of a policy.
    pub fn of(limits: &RateLimits) -> Self {
        Self {
            limit: i64::from(limits.limit.max(1)),
            per: milliseconds(limits.per),
            burst: i64::from(limits.burst.max(1)),
            max_wait: milliseconds(limits.max_wait),
            arrival: ARRIVAL_MS,
            fleet: limits.scope == Scope::Fleet,
        }
    }

    /// What one of `environments` may do alone; nothing when that is less than two.
    pub fn share(&self, environments: usize) -> Option<Self> {
        let share = self.limit / i64::try_from(environments.max(1)).unwrap_or(i64::MAX);
        // An even pace with a burst of one: in any window at most `share` calls.
        (share >= 2).then(|| Self { limit: share, burst: 1, fleet: false, ..self.clone() })
    }
}

/// What an item allows, by its algorithm.
fn reserve(
    algorithm: Algorithm,
    item: Option<&crate::control::Item>,
    now: i64,
    weight: i64,
    quota: &Quota,
) -> Result<(Write, Grant), NotUntil> {
    let blocked = item.and_then(|item| item.number(BLOCK)).filter(|until| *until > now);
    match (blocked, algorithm) {
        (Some(until), _) => Err(NotUntil(until)),
        (None, Algorithm::Window) => window::reserve(item, now, quota),
        (None, Algorithm::Bucket) => bucket::reserve(item, now, weight, quota),
    }
}

fn unblocked(write: Write, now: i64) -> Write {
    write.and_any([Test::Absent(BLOCK), Test::AtMost(BLOCK, now)])
}

/// Everybody waits until `until`, if that is later than what was asked before.
fn block(until: i64) -> Write {
    Write::when([]).and_any([Test::Absent(BLOCK), Test::AtMost(BLOCK, until - 1)]).set(BLOCK, until)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
