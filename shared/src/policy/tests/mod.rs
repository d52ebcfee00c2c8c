//! What makes a policy, in which order, and what is said of a bad one.

mod broken;

use std::time::Duration;

use super::*;

fn file(name: &str, text: &str) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}

fn refusals(sources: &Sources) -> Vec<String> {
    match sources.policy() {
        Err(PolicyError::Refused(violations)) => violations.0.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_shipped_policy_is_valid_in_every_stage() {
    let policy = Policy::embedded().unwrap();
    assert_eq!(policy.service.total, Duration::from_secs(3));
    assert_eq!(policy.dependency("openai").rate.as_ref().map(|rate| rate.limit), Some(60));
    let stages = Sources::shipped().stages().unwrap();
    assert!(stages.contains("dev") && stages.contains("prod"));
    for stage in stages {
        Sources::shipped().for_stage(&stage).policy().unwrap();
    }
}

#[test]
fn an_overlay_changes_only_what_it_names() {
    let policy = Policy::overlaid("functions: {orchestrate: {gate: {in_flight_per_vcpu: 25}}}\nvcpu: 2").unwrap();
    assert_eq!(policy.gate("orchestrate").in_flight, 50);
    assert_eq!(policy.functions.orchestrate.budget, Duration::from_secs(3));
}

#[test]
fn a_heading_without_lines_says_nothing_and_a_null_rate_is_no_rate() {
    let policy = Policy::overlaid("service:\ndependencies: { overrides: { openai: { rate: null } } }").unwrap();
    assert_eq!(policy.service.total, Duration::from_secs(3));
    assert_eq!(policy.dependency("openai").rate, None);
}

#[test]
fn unknown_dependencies_get_the_defaults() {
    let policy = Policy::embedded().unwrap();
    assert_eq!(*policy.dependency("something_new"), policy.dependencies.kinds.provider);
}

#[test]
fn a_dependency_has_the_limits_of_its_kind_and_its_own_over_them() {
    let policy = Policy::overlaid("dependencies: { overrides: { new: { kind: store, breaker: { permit_ttl: 9s } } } }");
    let policy = policy.unwrap();
    let expected =
        BreakerLimits { permit_ttl: Duration::from_secs(9), ..policy.dependencies.kinds.store.breaker.clone() };
    assert_eq!(policy.dependency("new").breaker, expected);
    assert_eq!(policy.dependency("anthropic").rate.as_ref().map(|rate| (rate.limit, rate.burst)), Some((50, 5)));
}

/// Each layer sets one value more and all values of the layers before it.
#[test]
fn layers_lie_over_each_other_in_order() {
    let base = file(
        "base",
        "search: { parse: 1ms, search: 1ms }\npostgres: { wait: 1ms, connect: 1ms }\n\
         stages: { blue: { search: { search: 2ms }, postgres: { wait: 2ms, connect: 2ms } } }",
    );
    let over = file(
        "over",
        "postgres: { wait: 3ms, connect: 3ms }\nstages: { blue: { postgres: { connect: 4ms } }, red: {} }",
    );
    let sources = Sources::shipped().with(base).with(over);
    let values = |sources: &Sources| {
        let policy = sources.policy().unwrap();
        [policy.search.parse, policy.search.search, policy.postgres.wait, policy.postgres.connect]
            .map(|t| t.as_millis())
    };
    assert_eq!(values(&sources), [1, 1, 3, 3]);
    assert_eq!(values(&sources.clone().for_stage("blue")), [1, 2, 3, 4]);
    assert_eq!(values(&sources.clone().for_stage("red")), [1, 1, 3, 3]);
}

#[test]
fn the_total_budget_lengthens_whatever_the_files_say() {
    let file = file(
        "slow",
        "service: { total: 2s }\nfunctions: { orchestrate: { budget: 2s } }\norchestrate: { compose: 1s }",
    );
    let policy = Sources::shipped().with(file).with_total("20s").policy().unwrap();
    assert_eq!(policy.service.total, Duration::from_secs(20));
    let refused = Sources::shipped().with_total("soon").policy().unwrap_err();
    assert_eq!(refused.to_string(), "NAVIGATOR_TOTAL_BUDGET: expected a duration such as 20s");
}

#[test]
fn an_unknown_stage_is_refused() {
    let refused = refusals(&Sources::shipped().for_stage("staging"));
    assert_eq!(refused, [r#"NAVIGATOR_STAGE: expected a stage of the policy, one of dev, prod; found "staging""#]);
}

#[test]
fn everything_wrong_in_all_files_is_reported_at_once_in_their_order() {
    let first = file("one.yaml", "service:\n  total: soon\n  totl: 3s\norchestrate: { waves: 0 }\n");
    let second = file("two.yaml", "stages:\n  dev:\n    vcpu: many\n  prod: { vcpu: -1 }\n");
    let refused = refusals(&Sources::shipped().for_stage("dev").with(first).with(second));
    let places: Vec<_> = refused.iter().map(|line| line.split(": expected").next().unwrap()).collect();
    assert!(places[1].starts_with("one.yaml:3:3: service.totl: is not a known field"), "{}", places[1]);
    assert_eq!(
        [places[0], places[2], places[3]],
        ["one.yaml:2:10: service.total", "one.yaml:4:23: orchestrate.waves", "two.yaml:3:11: vcpu"]
    );
    assert_eq!(places.len(), 4, "{refused:#?}");
}

#[test]
fn an_error_of_the_embedded_file_names_its_line() {
    let line = EMBEDDED.lines().position(|line| line.trim_start().starts_with("half_open_calls: 3")).unwrap() + 1;
    let text = EMBEDDED.replace("half_open_calls: 3", "half_open_calls: 9");
    let refused = refusals(&Sources::of(file("infra/policy.yaml", &text)));
    let inherited = format!(
        "infra/policy.yaml:{line}:26: dependencies.kinds.provider.breaker.half_open_calls: expected 1 to 5; found 9"
    );
    assert!(refused.contains(&inherited), "{refused:#?}");
    let text = EMBEDDED.replace("waves: 2", "waves: true");
    let refused = refusals(&Sources::of(file("infra/policy.yaml", &text)));
    assert!(refused[0].ends_with("orchestrate.waves: expected a whole number from 0; found true"), "{refused:#?}");
}
