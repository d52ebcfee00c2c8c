//! What breakers and limiters ask of the control table: its hottest item, which DynamoDB cannot split.

use shared::policy::{BreakerMode, Policy, Scope};

use super::{Fleet, Line, wide};

const TABLE: &str = "control_table";
/// A view of a breaker that is half open is this old at most; of a closed one it may be ten times that.
const VIEWS_PER_SECOND: u64 = 2;

pub(super) fn lines(policy: &Policy, requests: u64) -> Vec<Line> {
    let Some(table) = policy.dependencies.overrides.get(TABLE) else { return Vec::new() };
    let fleets = || {
        let overrides = policy.dependencies.overrides.iter();
        overrides.map(|(name, known)| Fleet { policy, name, known, requests }).filter(|fleet| fleet.name != TABLE)
    };
    let reads = fleets().filter_map(|fleet| Some((reads(&fleet)?, fleet.name))).max().unwrap_or((0, "nobody"));
    let writes = fleets().map(|fleet| (writes(&fleet), fleet.name)).max().unwrap_or((0, "nobody"));
    let line = |what: &str, (worst, name): (u64, &str), allowed: Option<u32>, how: &str| {
        Line::new(format!("{TABLE} {what}"), worst, allowed.map(u64::from), format!("the item of {name}: {how}"))
    };
    vec![
        line(
            "reads in a second",
            reads,
            table.allows.reads_per_second,
            "each environment's view of a breaker half open",
        ),
        line(
            "writes in a second",
            writes,
            table.allows.writes_per_second,
            "each call fails, or asks the limiter, at once",
        ),
    ]
}

fn has_fleet_breaker(fleet: &Fleet<'_>) -> bool {
    let breaker = &fleet.known.limits.breaker;
    breaker.scope == Scope::Fleet && breaker.mode != BreakerMode::Disabled
}

fn reads(fleet: &Fleet<'_>) -> Option<u64> {
    has_fleet_breaker(fleet).then(|| fleet.environments() * VIEWS_PER_SECOND)
}

/// A breaker: what is in flight fails at once, and each answer tells its environment that the breaker is open.
/// A limiter: each environment asks once for each call that becomes free, and then waits until the time it is told.
fn writes(fleet: &Fleet<'_>) -> u64 {
    let breaker = if has_fleet_breaker(fleet) { fleet.worst().0 } else { 0 };
    let limits = [&fleet.known.limits.rate, &fleet.known.limits.tokens];
    let fleet_wide = limits.into_iter().flatten().filter(|rate| rate.scope == Scope::Fleet);
    let limiter = fleet_wide.map(|rate| {
        let free = u64::from(rate.limit).div_ceil(rate.per.as_secs().max(1));
        (fleet.environments() + 1) * free.min(wide(fleet.known.limits.concurrent))
    });
    limiter.chain([breaker]).max().unwrap_or(0)
}
