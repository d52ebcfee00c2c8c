//! An exact sliding window: never more than `limit` calls in any `per`.
//!
//! A ring remembers when each of the last `limit` calls may go. The next one goes when its place is a whole window
//! old: two calls that share a place are that far apart, and of `limit` + 1 calls two share one.

use super::{Grant, NotUntil, Quota, RING, SKEW_MS, unblocked};
use crate::control::{Item, Test, Value, Write};

/// How many calls there were.
const COUNT: &str = "i";

/// What `item` allows at `now` (milliseconds) for one call: a write and when the call may go.
pub fn reserve(item: Option<&Item>, now: i64, quota: &Quota) -> Result<(Write, Grant), NotUntil> {
    let count = item.and_then(|item| item.number(COUNT));
    let name = place(count.unwrap_or(0), quota);
    let held = item.and_then(|item| item.number(name));
    let at = held.map_or(now, |held| now.max(held + spacing(quota)));
    if at - now > quota.max_wait {
        return Err(NotUntil(at));
    }
    let same = count.map_or(Test::Absent(COUNT), |count| Test::Equals(COUNT, Value::Number(count)));
    let write = Write::when([same]).set(COUNT, count.unwrap_or(0) + 1).set(name, at);
    Ok((unblocked(write, now), Grant { at }))
}

/// How many turns of the window that ends at `now` are taken, those that are still to come among them.
pub fn used(item: Option<&Item>, now: i64, quota: &Quota) -> usize {
    let places = usize::try_from(quota.limit).unwrap_or(0).min(RING.len());
    let held = RING[..places].iter().filter_map(|place| item?.number(place));
    held.filter(|at| *at > now - quota.per).count()
}

/// The window, and what clocks may differ and a call may take from its grant to its arrival.
fn spacing(quota: &Quota) -> i64 {
    if quota.fleet { quota.per + 2 * SKEW_MS + quota.arrival } else { quota.per + quota.arrival }
}

fn place(count: i64, quota: &Quota) -> &'static str {
    let place = count.rem_euclid(quota.limit.max(1));
    usize::try_from(place).ok().and_then(|place| RING.get(place)).copied().unwrap_or("r0")
}
