//! Rules that hold between the numbers of a policy. All broken ones are reported at once.

use super::Policy;

/// The rules that `policy` breaks, each as a sentence that names its fields.
pub(super) fn rules(policy: &Policy) -> Vec<String> {
    let mut broken = positive(policy);
    broken.extend(gates(policy));
    broken.extend(budgets(policy));
    broken
}

fn positive(policy: &Policy) -> Vec<String> {
    let counts = [
        ("vcpu", policy.vcpu.unwrap_or(1)),
        ("service.max_body_bytes", policy.service.max_body_bytes),
        ("service.max_reply_bytes", policy.service.max_reply_bytes),
        ("orchestrate.waves", policy.orchestrate.waves),
        ("orchestrate.parallel_tools", policy.orchestrate.parallel_tools),
        ("translate.chunks_at_once", policy.translate.chunks_at_once),
        ("retrieve.embedding_queue", policy.retrieve.embedding_queue),
        ("postgres.connections_on_classic_lambda", policy.postgres.connections_on_classic_lambda),
        ("postgres.connections_on_a_server", policy.postgres.connections_on_a_server),
        ("http.keep_alive_per_host", policy.http.keep_alive_per_host),
        ("dependencies.kinds.provider.concurrent", policy.dependencies.kinds.provider.concurrent),
    ];
    let own = policy.dependencies.overrides.iter();
    let own = own
        .filter(|(_, limits)| limits.limits.concurrent == 0)
        .map(|(name, _)| format!("dependencies.overrides.{name}.concurrent"));
    let zero = counts.into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name.to_owned());
    zero.chain(own).map(|name| format!("{name} must be at least 1")).collect()
}

fn gates(policy: &Policy) -> Vec<String> {
    let functions = ["orchestrate", "translate", "sanitize", "retrieve", "search"];
    let mut broken = Vec::new();
    for name in functions {
        let limits = policy.function(name);
        if limits.reserved_concurrency == 0 {
            broken.push(format!("functions.{name}.reserved_concurrency must be at least 1"));
        }
        if !(1..=10_000).contains(&limits.gate.in_flight_per_vcpu) {
            broken.push(format!("functions.{name}.gate.in_flight_per_vcpu must be 1 to 10000"));
        }
        if !(0.0..=100.0).contains(&limits.gate.queue_ratio) {
            broken.push(format!("functions.{name}.gate.queue_ratio must be 0 to 100"));
        }
    }
    broken
}

fn budgets(policy: &Policy) -> Vec<String> {
    let reserved = policy.orchestrate.reserved.for_the_answer();
    let mut broken = Vec::new();
    if reserved >= policy.service.total {
        broken.push("orchestrate.reserved must leave time within service.total".to_owned());
    }
    if policy.functions.orchestrate.budget > policy.service.total {
        broken.push("functions.orchestrate.budget must not exceed service.total".to_owned());
    }
    if policy.service.clear_ratio >= policy.service.warn_ratio {
        broken.push("service.clear_ratio must lie below service.warn_ratio".to_owned());
    }
    broken
}
