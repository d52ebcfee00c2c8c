//! A bucket that refills evenly: the generic cell rate algorithm (GCRA, ITU-T I.371), reserving ahead.
//!
//! One number says it all: the theoretical arrival time `tat`. A grant moves it on by its weight in emission
//! intervals; the caller waits until the new `tat` is no further ahead than the burst allows.

use super::{Grant, NotUntil, Quota, SKEW_MS, unblocked};
use crate::control::{Item, Test, Write};

/// The theoretical arrival time, in microseconds since the epoch.
const TAT: &str = "tat";

/// What `item` allows at `now` (milliseconds) for `weight` calls: a write and when the call may go.
pub fn reserve(item: Option<&Item>, now: i64, weight: i64, quota: &Quota) -> Result<(Write, Grant), NotUntil> {
    // Waiting would not help: the bucket never holds as much.
    if weight > quota.burst {
        return Err(NotUntil(now + quota.per));
    }
    let interval = interval(quota);
    let (now, cost) = (now * 1_000, weight * interval);
    let burst = quota.burst * interval;
    let latest = now + burst - cost + quota.max_wait * 1_000;
    match item.and_then(|item| item.number(TAT)).filter(|tat| *tat > now) {
        Some(tat) if tat > latest => Err(NotUntil((tat + cost - burst) / 1_000)),
        Some(tat) => {
            let write = Write::when([Test::Above(TAT, now), Test::AtMost(TAT, latest)]).add(TAT, cost);
            Ok((unblocked(write, now / 1_000), Grant { at: (tat + cost - burst).max(now).div_euclid(1_000) + 1 }))
        }
        None => {
            let idle = Write::when([]).and_any([Test::Absent(TAT), Test::AtMost(TAT, now)]).set(TAT, now + cost);
            Ok((unblocked(idle, now / 1_000), Grant { at: now / 1_000 }))
        }
    }
}

/// When the write was made, the item says when the call may go: others may have moved `tat` since it was read.
pub fn granted(item: &Item, now: i64, quota: &Quota) -> Grant {
    let tat = item.number(TAT).unwrap_or(0);
    let ready = tat - quota.burst * interval(quota);
    Grant { at: now.max(ready.div_euclid(1_000) + 1) }
}

/// Takes more, or gives back: what a call turned out to weigh.
pub fn adjust(difference: i64, quota: &Quota) -> Write {
    Write::when([Test::Present(TAT)]).add(TAT, difference * interval(quota))
}

/// An empty bucket: the first call waits for its turn.
pub fn empty(now: i64, quota: &Quota) -> Item {
    [(TAT, (now * 1_000 + quota.burst * interval(quota)).into())].into_iter().collect()
}

/// Microseconds for each call, so that no window of `per` ever holds more than `limit` calls: a window sees what was
/// granted in it, in the time that a grant may take to become a call, and in what clocks may differ.
pub fn interval(quota: &Quota) -> i64 {
    let span = if quota.fleet { quota.per + quota.arrival + 2 * SKEW_MS } else { quota.per };
    (span * 1_000).div_euclid((quota.limit - quota.burst).max(1)) + 1
}
