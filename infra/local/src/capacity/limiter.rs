//! What a rate limiter lets through in a minute, with the control table and without it.

use shared::{
    policy::{Algorithm, RateLimits, RateWithoutStore, Scope},
    rate::Quota,
};

use super::{Fleet, Line, Verdict};

const MINUTE_MS: u64 = 60_000;
/// How far two clocks may be apart. The bucket is filled more slowly by as much as that could cost.
const SKEW_MS: u64 = 100;

/// Two lines for a dependency that is limited by us or by itself.
pub(super) fn lines(fleet: &Fleet<'_>) -> Vec<Line> {
    let allowed = fleet.known.allows.per_minute.map(u64::from);
    let what = format!("{} calls in a minute", fleet.name);
    let Some(rate) = &fleet.known.limits.rate else {
        let unbounded = |allowed| unbounded(what, allowed, "no rate limits it");
        return allowed.map(unbounded).into_iter().collect();
    };
    let environments = fleet.environments();
    let bound = in_a_minute(bound(rate), rate);
    if rate.scope == Scope::Process {
        let how = format!("{environments} environments, each with a limiter of its own for {bound}");
        return vec![Line::new(what, environments * bound, allowed, how)];
    }
    let how = match rate.algorithm {
        Algorithm::Window => "the limiter's window admits no more than this, whatever the fleet asks for".to_owned(),
        Algorithm::Bucket => format!("the limiter's bucket admits this at most, bursts of {} included", rate.burst),
    };
    vec![Line::new(what.clone(), bound, allowed, how), without_store(fleet, rate, &what, allowed)]
}

/// Calls in any `per`. A bucket admits one each T and a burst of B: floor((W + 2 eps) / T) + B, where the limiter
/// takes T = (W + 2 eps) / (L - B).
fn bound(rate: &RateLimits) -> u64 {
    let (limit, burst) = (u64::from(rate.limit), u64::from(rate.burst));
    match rate.algorithm {
        Algorithm::Window => limit,
        Algorithm::Bucket => {
            let window = milliseconds(rate) + 2 * SKEW_MS;
            let steady = limit.saturating_sub(burst).max(1);
            // floor(W / (W / n)) in whole numbers.
            window * steady / window + burst
        }
    }
}

/// While the store is away.
fn without_store(fleet: &Fleet<'_>, rate: &RateLimits, what: &str, allowed: Option<u64>) -> Line {
    let (what, environments) = (format!("{what}, no store"), fleet.environments());
    match rate.without_store {
        RateWithoutStore::Refuse => Line::new(what, 0, allowed, "all are refused".to_owned()),
        RateWithoutStore::Admit => unbounded(what, allowed.unwrap_or(0), "all are admitted"),
        RateWithoutStore::LocalShare => {
            let share = Quota::of(rate).share(usize::try_from(environments).unwrap_or(usize::MAX));
            let share = share.map_or(0, |share| share.limit.unsigned_abs());
            let note = if share == 0 { ": none is sent until it is back" } else { "" };
            let how = format!("{environments} environments x a share of {share}{note}");
            Line::new(what, in_a_minute(environments * share, rate), allowed, how)
        }
    }
}

fn unbounded(what: String, allowed: u64, how: &str) -> Line {
    Line { what, worst: None, allowed: Some(allowed), verdict: Verdict::TooMuch, how: how.to_owned() }
}

/// A minute touches so many windows at most.
fn in_a_minute(bound: u64, rate: &RateLimits) -> u64 {
    bound * MINUTE_MS.div_ceil(milliseconds(rate))
}

fn milliseconds(rate: &RateLimits) -> u64 {
    u64::try_from(rate.per.as_millis()).unwrap_or(u64::MAX).max(1)
}
