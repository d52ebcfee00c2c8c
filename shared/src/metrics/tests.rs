//! Each count is written once, in lines that CloudWatch reads.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::*;
use crate::{
    core::Core,
    deadline::Deadline,
    dependency::{Classify, Effect, Verdict},
    policy::Policy,
    scope::Scope,
};

/// What CloudWatch takes in one directive.
const MOST_METRICS: usize = 100;
/// A line stays well below what a log event may hold.
const MOST_BYTES: usize = 2_048;
const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Broken;

impl Classify for Broken {
    fn verdict(&self) -> Verdict {
        Verdict::Fault
    }
}

fn read(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One line of `dependency` among `lines`.
fn of<'a>(lines: &'a [Value], dependency: &str) -> &'a Value {
    lines.iter().find(|line| line["dependency"] == dependency).unwrap()
}

async fn call(core: &Core, name: &'static str, result: Result<(), Broken>) {
    let mut result = Some(result);
    let attempt = |_| std::future::ready(result.take().unwrap());
    let _ = core.dependency(name).call(Deadline::within(SECOND), Effect::Once, attempt).await;
}

/// The rules of the specification that a line of ours could break.
fn assert_emf(line: &Value) {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_600_000_000_000);
    assert_eq!(directives.len(), 1);
    assert_eq!(directives[0]["Namespace"], NAMESPACE);
    let metrics = directives[0]["Metrics"].as_array().unwrap();
    assert!((1..=MOST_METRICS).contains(&metrics.len()));
    for metric in metrics {
        assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
        assert!(["Count", "Microseconds"].contains(&metric["Unit"].as_str().unwrap()), "{metric}");
    }
    for set in directives[0]["Dimensions"].as_array().unwrap() {
        for dimension in set.as_array().unwrap() {
            assert!(!line[dimension.as_str().unwrap()].as_str().unwrap().is_empty(), "{dimension}");
        }
    }
    assert!(line.to_string().len() <= MOST_BYTES);
}

#[tokio::test(start_paused = true)]
async fn only_what_was_added_is_written_and_only_once() {
    let (core, metrics) = (Core::embedded().unwrap(), Metrics::new("search"));
    let take = || core.samples("search");
    assert_eq!(metrics.lines(take), "");
    call(&core, "tavily", Ok(())).await;
    call(&core, "tavily", Err(Broken)).await;
    core.dependency("openai");
    let first = read(&metrics.lines(take));
    assert_eq!(first.len(), 1, "what did not change is left out: {first:#?}");
    assert_emf(&first[0]);
    let line = of(&first, "tavily");
    assert_eq!((&line["function"], &line["Ok"], &line["Fault"]), (&json!("search"), &json!(1), &json!(1)));
    assert_eq!((&line["Admitted"], &line["InUsePeak"], &line["Limit"]), (&json!(2), &json!(1), &json!(14)));
    assert!(line["Timeout"].is_null() && line["RefusedQueueFull"].is_null(), "{line}");
    assert_eq!(metrics.lines(take), "");
    call(&core, "tavily", Ok(())).await;
    let second = read(&metrics.lines(take));
    assert_eq!((&second[0]["Ok"], &second[0]["Fault"]), (&json!(1), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn refusals_waits_and_transitions_are_told_apart() {
    let overlay = "dependencies: {overrides: {tavily: {concurrent: 1, queue: 1, breaker: {scope: process}}}}";
    let (core, metrics) = (Core::new(Policy::overlaid(overlay).unwrap()), Metrics::new("search"));
    let door = core.dependency("tavily");
    let slow = async |_| {
        tokio::time::sleep(SECOND / 4).await;
        Ok::<_, Broken>(())
    };
    let asked = || door.call(Deadline::within(SECOND), Effect::Once, slow);
    let (first, second, third) = tokio::join!(asked(), asked(), asked());
    assert_eq!((first.is_ok(), second.is_ok(), third.is_ok()), (true, true, false));
    let line = read(&metrics.lines(|| core.samples("search"))).remove(0);
    assert_eq!((&line["Admitted"], &line["RefusedQueueFull"], &line["Waited"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(line["WaitedTime"], json!(250_000));
    for _ in 0..5 {
        call(&core, "tavily", Err(Broken)).await;
    }
    call(&core, "tavily", Ok(())).await;
    let line = read(&metrics.lines(|| core.samples("search"))).remove(0);
    assert_emf(&line);
    assert_eq!((&line["Fault"], &line["Transitions"], &line["Open"]), (&json!(5), &json!(1), &json!(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn invocations_that_end_at_the_same_time_count_nothing_twice() {
    const INVOCATIONS: u64 = 200;
    let (core, metrics) = (Core::embedded().unwrap(), Arc::new(Metrics::new("orchestrate")));
    let mut scope = Scope::<String, ()>::new(8);
    for _ in 0..INVOCATIONS {
        let (core, metrics) = (core.clone(), metrics.clone());
        scope.required(async move {
            let permit = core.gate("orchestrate").enter(Deadline::within(60 * SECOND)).await;
            call(&core, "search", Ok(())).await;
            drop(permit);
            Ok(metrics.lines(|| core.samples("orchestrate")))
        });
    }
    let mut sums = BTreeMap::<String, u64>::new();
    for lines in scope.join().await.unwrap() {
        for line in read(&lines.unwrap()) {
            let name = line["dependency"].as_str().unwrap_or("gate").to_owned();
            *sums.entry(name).or_default() += line["Admitted"].as_u64().unwrap_or(0);
        }
    }
    assert_eq!(sums, BTreeMap::from([("gate".to_owned(), INVOCATIONS), ("search".to_owned(), INVOCATIONS)]));
}

#[tokio::test(start_paused = true)]
async fn the_gate_has_the_function_as_its_only_dimension() {
    let (core, metrics) = (Core::embedded().unwrap(), Metrics::new("search"));
    let gate = core.gate("search");
    let held = (gate.enter(Deadline::within(SECOND)).await, gate.enter(Deadline::within(SECOND)).await);
    drop(held);
    let line = read(&metrics.lines(|| core.samples("search"))).remove(0);
    assert_emf(&line);
    assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["function"]]));
    assert_eq!((&line["Admitted"], &line["InUsePeak"]), (&json!(2), &json!(2)));
}

#[test]
fn a_pool_that_has_nothing_new_says_nothing() {
    let metrics = Metrics::new("retrieve");
    let sample = |lent| Sample::of_pool("postgres").count("Admitted", lent).gauge("InUsePeak", 2);
    let line = read(&metrics.lines(|| vec![sample(3)])).remove(0);
    assert_emf(&line);
    assert_eq!((&line["pool"], &line["Admitted"], &line["InUsePeak"]), (&json!("postgres"), &json!(3), &json!(2)));
    assert_eq!(metrics.lines(|| vec![sample(3)]), "");
}
