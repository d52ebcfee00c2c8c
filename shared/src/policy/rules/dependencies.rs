//! The limits of outside services: breakers, limiters, retries.

use std::time::Duration;

use super::{
    super::{Algorithm, BreakerLimits, DependencyLimits, Kind, Known, RateLimits, RetryLimits, Scope},
    Broken, FUNCTIONS, Policy, Rules,
};

/// How far the clocks of two environments may be apart in all: once for him who writes, once for him who reads.
const SKEW: Duration = Duration::from_secs(2);
/// The exact window holds one attribute for each call of a window, in one item of less than 1 KB.
const LARGEST_WINDOW: u32 = 64;

pub(super) fn broken(policy: &Policy) -> Vec<Broken> {
    let dependencies = &policy.dependencies;
    let kinds = &dependencies.kinds;
    let mut broken = Vec::new();
    for (name, kind) in [("provider", &kinds.provider), ("peer", &kinds.peer), ("store", &kinds.store)] {
        let mut rules = Rules::of(["dependencies", "kinds", name]);
        limits(&mut rules, kind);
        broken.extend(rules.broken);
    }
    for (name, known) in &dependencies.overrides {
        let mut rules = Rules::of(["dependencies", "overrides", name, "limits"]);
        limits(&mut rules, &known.limits);
        broken.extend(rules.broken);
        let mut rules = Rules::of(["dependencies", "overrides", name]);
        about(&mut rules, name, known, policy);
        broken.extend(rules.broken);
    }
    broken.extend(documents(policy));
    broken
}

fn limits(rules: &mut Rules<'_>, limits: &DependencyLimits) {
    rules.time("timeout", limits.timeout);
    rules.within("concurrent", limits.concurrent, 1..=10_000);
    rules.within("queue", limits.queue, 0..=100_000);
    breaker(rules, &limits.breaker);
    retry(rules, &limits.retry);
    for (section, limits) in [("rate", &limits.rate), ("tokens", &limits.tokens)] {
        if let Some(limits) = limits {
            rate(rules, section, limits);
        }
    }
}

fn breaker(rules: &mut Rules<'_>, breaker: &BreakerLimits) {
    rules.within("breaker.failure_threshold", breaker.failure_threshold, 1..=1_000_000);
    rules.within("breaker.minimum_throughput", breaker.minimum_throughput, 1..=1_000_000);
    rules.within("breaker.half_open_calls", breaker.half_open_calls, 1..=5);
    rules.within("breaker.reopen_multiplier", breaker.reopen_multiplier, 1..=10);
    rules.share("breaker.failure_ratio", breaker.failure_ratio.unwrap_or(1.0));
    rules.share("breaker.slow_call_ratio", breaker.slow_call_ratio);
    for (field, time) in [
        ("breaker.failure_window", breaker.failure_window),
        ("breaker.sampling_duration", breaker.sampling_duration),
        ("breaker.slow_call_threshold", breaker.slow_call_threshold.unwrap_or(SKEW)),
        ("breaker.recovery_timeout", breaker.recovery_timeout),
        ("breaker.probe_timeout", breaker.probe_timeout),
    ] {
        rules.time(field, time);
    }
    let recovery = ("breaker.recovery_timeout", breaker.recovery_timeout);
    rules.at_most(recovery, ("breaker.max_recovery_timeout", breaker.max_recovery_timeout));
    probes(rules, breaker);
}

/// What keeps the number of probes exact: all of a round have ended when their permits expire, and before the next
/// round begins. In one process the second holds by itself.
fn probes(rules: &mut Rules<'_>, breaker: &BreakerLimits) {
    let (probe, permit, recovery) = (breaker.probe_timeout, breaker.permit_ttl, breaker.recovery_timeout);
    let expected = format!("probe_timeout ({probe:?}) + {SKEW:?} below permit_ttl ({permit:?})");
    rules.require(probe.saturating_add(SKEW) < permit, "breaker.probe_timeout breaker.permit_ttl", expected);
    if breaker.scope == Scope::Fleet {
        // A round begins up to a tenth early, so that not all environments come at once.
        let expected = format!("probe_timeout ({probe:?}) + {SKEW:?} below 0.9 of recovery_timeout ({recovery:?})");
        let fields = "breaker.probe_timeout breaker.recovery_timeout";
        rules.require(probe.saturating_add(SKEW) < recovery.mul_f64(0.9), fields, expected);
    }
}

fn rate(rules: &mut Rules<'_>, section: &str, rate: &RateLimits) {
    let field = |field: &str| format!("{section}.{field}");
    let (limit, burst) = (rate.limit, rate.burst);
    rules.require(limit >= 1, &field("limit"), "at least 1; found 0");
    rules.time(&field("per"), rate.per);
    match rate.algorithm {
        Algorithm::Window => {
            let expected = format!("at most {LARGEST_WINDOW} for the algorithm window; found {limit}");
            let fields = format!("{} {}", field("limit"), field("algorithm"));
            rules.require(limit <= LARGEST_WINDOW, &fields, expected);
            let expected = "the algorithm bucket: a window counts calls, not tokens";
            rules.require(section != "tokens", &field("algorithm"), expected);
        }
        Algorithm::Bucket => {
            let fields = format!("{} {}", field("burst"), field("limit"));
            rules.require(burst >= 1, &field("burst"), "at least 1 for the algorithm bucket; found 0");
            let expected = format!("burst ({burst}) below limit ({limit})");
            rules.require(burst < limit, &fields, expected);
        }
    }
}

fn retry(rules: &mut Rules<'_>, retry: &RetryLimits) {
    rules.within("retry.attempts", retry.attempts, 1..=5);
    rules.within("retry.budget_ratio", retry.budget_ratio, 0.0..=1.0);
    rules.at_most(("retry.base", retry.base), ("retry.cap", retry.cap));
}

/// Who calls it, and who answers.
fn about(rules: &mut Rules<'_>, name: &str, known: &Known, policy: &Policy) {
    for (place, user) in known.used_by.iter().enumerate() {
        let expected = format!("the name of a function, one of {}; found {user:?}", FUNCTIONS.join(", "));
        rules.require(FUNCTIONS.contains(&user.as_str()), &format!("used_by.{place}"), expected);
    }
    rules.some("per_request", known.per_request);
    let shared = [&known.limits.rate, &known.limits.tokens];
    let shared = shared.into_iter().flatten().any(|rate| rate.scope == Scope::Fleet);
    let expected = "the functions that share its fleet-wide rate";
    rules.require(!shared || !known.used_by.is_empty(), "used_by", expected);
    if known.kind == Kind::Peer {
        let expected = format!("the name of a function behind kind: peer; found {name:?}");
        rules.require(FUNCTIONS.contains(&name), "kind", expected);
    }
    if known.kind == Kind::Peer && FUNCTIONS.contains(&name) {
        peer(rules, name, known.limits.timeout, policy.function(name).budget);
    }
}

/// A caller that gives up before the function's own deadline never sees what it would have answered.
fn peer(rules: &mut Rules<'_>, name: &str, timeout: Duration, budget: Duration) {
    let expected = format!("timeout ({timeout:?}) not below functions.{name}.budget ({budget:?})");
    let mut across = Rules::of([]);
    let fields = format!("dependencies.overrides.{name}.limits.timeout functions.{name}.budget");
    across.require(timeout >= budget, &fields, expected);
    rules.broken.extend(across.broken);
}

/// A document is one transaction: it ends within the time of its request.
fn documents(policy: &Policy) -> Vec<Broken> {
    let (write, ceiling) = (policy.dependency("postgres_write").timeout, policy.retrieve.document_write);
    let mut rules = Rules::of([]);
    let expected = format!("timeout of postgres_write ({write:?}) not to exceed retrieve.document_write ({ceiling:?})");
    let fields = "dependencies.overrides.postgres_write.limits.timeout retrieve.document_write";
    rules.require(write <= ceiling, fields, expected);
    rules.broken
}
