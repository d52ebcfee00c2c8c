//! The service as a whole, its stores and clients.

use super::{Broken, Policy, Rules};

pub(super) fn broken(policy: &Policy) -> Vec<Broken> {
    let mut rules = Rules::of([]);
    service(&mut rules, policy);
    clients(&mut rules, policy);
    rules.broken
}

fn service(rules: &mut Rules<'_>, policy: &Policy) {
    let service = &policy.service;
    rules.some("vcpu", policy.vcpu.unwrap_or(1));
    rules.some("service.max_body_bytes", service.max_body_bytes);
    rules.some("service.max_reply_bytes", service.max_reply_bytes);
    for (field, time) in [("service.total", service.total), ("service.health", service.health)] {
        rules.time(field, time);
    }
    let total = ("service.total", service.total);
    rules.at_most(total, ("service.stream", service.stream));
    rules.at_most(("service.lambda_margin", service.lambda_margin), total);
    rules.at_most(("service.health", service.health), total);
    rules.share("service.warn_ratio", service.warn_ratio);
    rules.share("service.clear_ratio", service.clear_ratio);
    let (warn, clear) = (service.warn_ratio, service.clear_ratio);
    let expected = format!("service.clear_ratio ({clear}) below service.warn_ratio ({warn})");
    rules.require(clear < warn, "service.clear_ratio service.warn_ratio", expected);
}

fn clients(rules: &mut Rules<'_>, policy: &Policy) {
    let (postgres, http) = (&policy.postgres, &policy.http);
    let server = postgres.max_connections.saturating_sub(postgres.kept_free);
    for (field, connections) in [
        ("postgres.connections_on_classic_lambda", postgres.connections_on_classic_lambda),
        ("postgres.connections_on_a_server", postgres.connections_on_a_server),
    ] {
        rules.some(field, connections);
        let expected = format!(
            "{field} ({connections}) not to exceed what the server has for us, \
             postgres.max_connections less postgres.kept_free ({server})"
        );
        let fields = format!("{field} postgres.max_connections postgres.kept_free");
        rules.require(connections <= server, &fields, expected);
    }
    for (field, time) in [
        ("postgres.wait", postgres.wait),
        ("postgres.connect", postgres.connect),
        ("postgres.recycle", postgres.recycle),
        ("postgres.idle", postgres.idle),
        ("http.connect", http.connect),
        ("http.idle", http.idle),
    ] {
        rules.time(field, time);
    }
    rules.at_most(("postgres.wait", postgres.wait), ("service.total", policy.service.total));
    rules.some("http.keep_alive_per_host", http.keep_alive_per_host);
    rules.some("http.connections_per_host", http.connections_per_host);
}
