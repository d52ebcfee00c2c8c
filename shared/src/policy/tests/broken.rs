//! Policies that are refused, each with the words of its refusal.

use crate::policy::{Policy, PolicyError};

/// The file that is laid over the shipped one, and what is said.
#[rustfmt::skip]
const BROKEN: &[(&str, &str)] = &[
    // No YAML.
    ("service: [1",
     "overlay:1:10: unclosed bracket '['"),
    // A key twice.
    ("vcpu: 1\nvcpu: 2\n",
     "overlay:2:1: duplicate mapping key: vcpu"),
    // An unknown anchor.
    ("service: *nowhere\n",
     "overlay:1:10: alias references unknown anchor"),
    // A tab.
    ("service:\n\ttotal: 3s\n",
     "overlay:2:2: tabs disallowed within this context (block indentation)"),
    // No sections.
    ("- 1\n- 2\n",
     "overlay:1:1: expected sections such as `service:`"),
    // An unknown section.
    ("servce: {}\n",
     "overlay:1:1: servce: is not a known field; expected one of vcpu, service, functions, orchestrate, sanitize, translate, retrieve, search, lambda, postgres, http, dependencies"),
    // An unknown field.
    ("service:\n  totl: 3s\n",
     "overlay:2:3: service.totl: is not a known field; expected one of total, stream, lambda_margin, drain, health, health_cache, store_allowance, max_body_bytes, max_reply_bytes, warn_ratio, clear_ratio"),
    // An unknown field of a dependency.
    ("dependencies:\n  overrides:\n    tavily:\n      concurent: 3\n",
     "overlay:4:7: dependencies.overrides.tavily.concurent: is not a known field; expected one of timeout, concurrent, queue, adaptive, breaker, rate, tokens, retry"),
    // A bad duration.
    ("service:\n  total: soon\n",
     "overlay:2:10: service.total: expected a duration such as 250ms, 3s or 5m; found \"soon\""),
    // A number for a duration.
    ("service: { total: 3 }\n",
     "overlay:1:19: service.total: expected a duration such as 250ms, 3s or 5m; found 3"),
    // A negative duration.
    ("service:\n  total: -3s\n",
     "overlay:2:10: service.total: expected a duration such as 250ms, 3s or 5m; found \"-3s\""),
    // A negative count.
    ("orchestrate: { waves: -1 }\n",
     "overlay:1:23: orchestrate.waves: expected a whole number from 0; found -1"),
    // A text for a number.
    ("orchestrate: { waves: two }\n",
     "overlay:1:23: orchestrate.waves: expected a whole number from 0; found \"two\""),
    // A fraction for a count.
    ("orchestrate: { waves: 1.5 }\n",
     "overlay:1:23: orchestrate.waves: expected a whole number from 0; found 1.5"),
    // A text for a choice.
    ("dependencies: { kinds: { peer: { adaptive: maybe } } }\n",
     "overlay:1:44: dependencies.kinds.peer.adaptive: expected true or false; found \"maybe\""),
    // An unknown choice.
    ("dependencies: { kinds: { peer: { breaker: { scope: galaxy } } } }\n",
     "overlay:1:52: dependencies.kinds.peer.breaker.scope: expected fleet or process; found \"galaxy\""),
    // An unknown kind.
    ("dependencies:\n  overrides:\n    tavily: { kind: friend }\n",
     "overlay:3:21: dependencies.overrides.tavily.kind: expected one of provider, peer, store; found \"friend\""),
    // A value for a section.
    ("service: 3s\n",
     "overlay:1:10: service: expected a section with fields of its own; found \"3s\""),
    // A section for a value.
    ("service: { total: { seconds: 3 } }\n",
     "overlay:1:19: service.total: expected a duration such as 250ms, 3s or 5m; found a section"),
    // Nothing for a value.
    ("service: { total: null }\n",
     "overlay:1:19: service.total: expected a duration such as 250ms, 3s or 5m; found nothing"),
    // Half a rate.
    ("dependencies:\n  overrides:\n    tavily:\n      rate: { limit: 60 }\n",
     "overlay:4:7: dependencies.overrides.tavily.rate.per: is missing\noverlay:4:7: dependencies.overrides.tavily.rate.algorithm: is missing\noverlay:4:7: dependencies.overrides.tavily.rate.burst: is missing\noverlay:4:7: dependencies.overrides.tavily.rate.scope: is missing\noverlay:4:7: dependencies.overrides.tavily.rate.max_wait: is missing\noverlay:4:7: dependencies.overrides.tavily.rate.without_store: is missing"),
    // A text for a list.
    ("dependencies: { overrides: { tavily: { used_by: search } } }\n",
     "overlay:1:49: dependencies.overrides.tavily.used_by: expected a list; found \"search\""),
    // Stages of another form.
    ("stages: [dev]\n",
     "overlay:1:9: stages: expected the names of stages, each with what differs"),
    // Zero.
    ("orchestrate:\n  waves: 0\n",
     "overlay:2:10: orchestrate.waves: expected at least 1; found 0"),
    // No time.
    ("dependencies: { overrides: { tavily: { timeout: 0s } } }\n",
     "overlay:1:49: dependencies.overrides.tavily.timeout: expected a time above 0s; found 0s"),
    // A probe that outlives its permit.
    ("dependencies:\n  kinds:\n    provider:\n      breaker:\n        permit_ttl: 12s\n",
     "overlay:5:21: dependencies.kinds.provider.breaker.permit_ttl: expected probe_timeout (10s) + 2s below permit_ttl (12s)"),
    // A probe that outlives its round.
    ("dependencies:\n  overrides:\n    openai:\n      breaker: { recovery_timeout: 13s }\n",
     "overlay:4:36: dependencies.overrides.openai.breaker.recovery_timeout: expected probe_timeout (10s) + 2s below 0.9 of recovery_timeout (13s)"),
    // Six probes.
    ("dependencies: { kinds: { provider: { breaker: { half_open_calls: 6 } } } }\n",
     "overlay:1:66: dependencies.kinds.provider.breaker.half_open_calls: expected 1 to 5; found 6"),
    // No failures.
    ("dependencies: { kinds: { store: { breaker: { failure_threshold: 0 } } } }\n",
     "overlay:1:65: dependencies.kinds.store.breaker.failure_threshold: expected 1 to 1000000; found 0"),
    // A share above one.
    ("retrieve: { document_share: 1.5 }\n",
     "overlay:1:29: retrieve.document_share: expected 0 to 1; found 1.5"),
    // A ratio above one.
    ("dependencies: { overrides: { openai: { breaker: { failure_ratio: 1.5 } } } }\n",
     "overlay:1:66: dependencies.overrides.openai.breaker.failure_ratio: expected a share above 0, up to 1; found 1.5"),
    // A shrinking breaker.
    ("dependencies: { overrides: { openai: { breaker: { reopen_multiplier: 0 } } } }\n",
     "overlay:1:70: dependencies.overrides.openai.breaker.reopen_multiplier: expected 1 to 10; found 0"),
    // A shorter longest recovery.
    ("dependencies: { overrides: { openai: { breaker: { max_recovery_timeout: 20s } } } }\n",
     "overlay:1:73: dependencies.overrides.openai.breaker.max_recovery_timeout: expected breaker.recovery_timeout (30s) not to exceed breaker.max_recovery_timeout (20s)"),
    // A large window.
    ("dependencies:\n  overrides:\n    openai: { rate: { limit: 65 } }\n",
     "overlay:3:30: dependencies.overrides.openai.rate.limit: expected at most 64 for the algorithm window; found 65"),
    // A burst as large as the limit.
    ("dependencies:\n  overrides:\n    openai: { rate: { algorithm: bucket, burst: 60 } }\n",
     "overlay:3:49: dependencies.overrides.openai.rate.burst: expected burst (60) below limit (60)"),
    // A window of tokens.
    ("dependencies: { overrides: { openai: { tokens: { limit: 9, per: 60s, algorithm: window, burst: 1, scope: process, max_wait: 0s, without_store: admit } } } }\n",
     "overlay:1:81: dependencies.overrides.openai.tokens.algorithm: expected the algorithm bucket: a window counts calls, not tokens"),
    // Many attempts.
    ("dependencies: { kinds: { provider: { retry: { attempts: 6 } } } }\n",
     "overlay:1:57: dependencies.kinds.provider.retry.attempts: expected 1 to 5; found 6"),
    // A budget above one.
    ("dependencies: { kinds: { provider: { retry: { budget_ratio: 2.0 } } } }\n",
     "overlay:1:61: dependencies.kinds.provider.retry.budget_ratio: expected 0 to 1; found 2"),
    // An unknown user.
    ("dependencies:\n  overrides:\n    tavily: { used_by: [search, brain] }\n",
     "overlay:3:33: dependencies.overrides.tavily.used_by.1: expected the name of a function, one of orchestrate, translate, sanitize, retrieve, search; found \"brain\""),
    // A fleet of nobody.
    ("dependencies:\n  overrides:\n    openai: { used_by: [] }\n",
     "overlay:3:24: dependencies.overrides.openai.used_by: expected the functions that share its fleet-wide rate"),
    // A peer that is no function.
    ("dependencies: { overrides: { brain: { kind: peer } } }\n",
     "overlay:1:45: dependencies.overrides.brain.kind: expected the name of a function behind kind: peer; found \"brain\""),
    // An impatient caller.
    ("dependencies: { overrides: { search: { timeout: 900ms } } }\n",
     "overlay:1:49: dependencies.overrides.search.timeout: expected timeout (900ms) not below functions.search.budget (1s)"),
    // A function over the total.
    ("functions: { search: { budget: 4s } }\n",
     "overlay:1:32: functions.search.budget: expected functions.search.budget (4s) not to exceed service.total (3s)\noverlay:1:32: functions.search.budget: expected timeout (1s) not below functions.search.budget (4s)"),
    // A stage over its function.
    ("orchestrate:\n  wave: 3500ms\n",
     "overlay:2:9: orchestrate.wave: expected orchestrate.wave (3.5s) not to exceed functions.orchestrate.budget (3s)"),
    // Stages over their function.
    ("search: { parse: 300ms }\n",
     "overlay:1:18: search.parse: expected the stages of search, 1.1s in all, to fit functions.search.budget (1s)"),
    // A reserve as long as the request.
    ("orchestrate: { sanitize: 3s, reserved: { sanitize_answer: 2700ms } }\n",
     "overlay:1:59: orchestrate.reserved.sanitize_answer: expected what is reserved for the answer (3s) to leave time within service.total (3s)"),
    // A warning below the all-clear.
    ("service: { warn_ratio: 0.6 }\n",
     "overlay:1:24: service.warn_ratio: expected service.clear_ratio (0.7) below service.warn_ratio (0.6)"),
    // More connections than the server has.
    ("postgres: { connections_on_a_server: 91 }\n",
     "overlay:1:38: postgres.connections_on_a_server: expected postgres.connections_on_a_server (91) not to exceed what the server has for us, postgres.max_connections less postgres.kept_free (90)"),
    // A long document.
    ("dependencies: { overrides: { postgres_write: { timeout: 26s } } }\n",
     "overlay:1:57: dependencies.overrides.postgres_write.timeout: expected timeout of postgres_write (26s) not to exceed retrieve.document_write (25s)"),
];

#[test]
fn every_broken_policy_is_refused_with_file_line_column_path_and_what_was_expected() {
    for (overlay, expected) in BROKEN {
        match Policy::overlaid(overlay) {
            Err(PolicyError::Refused(violations)) => assert_eq!(violations.to_string(), *expected, "{overlay}"),
            other => panic!("{overlay}: {other:?}"),
        }
    }
}
