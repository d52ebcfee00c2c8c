//! Fifty questions at once while a provider has stalled for ever: each gets its answer or its refusal, and afterwards
//! nothing is left behind. How long they take is what `make load` prints.

#![expect(clippy::disallowed_types, reason = "a crowd of clients, all at once on purpose")]

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    assembly::{Bundle, connect, with_corpus},
    simulator::{Effect, Fault, Provider, Simulator},
};
use tokio::task::JoinSet;

const AT_ONCE: usize = 50;
/// How often, so that what grows with each question is told from what grows to a peak.
const BURSTS: usize = 4;
/// For what must be over already; a test that would wait for ever fails instead.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn at_the_default_gate_every_question_gets_an_answer_or_a_time_to_come_back() -> Result<()> {
    let (bundle, simulator) = with_a_stalled_provider("{}").await?;
    let before = idle_tasks(&bundle).await?;
    for _ in 0..BURSTS {
        for (status, reply, retry_after) in ask_at_once(&bundle).await? {
            match status {
                200 => assert!(!crate::degraded(&reply).is_empty(), "{reply:#}"),
                429 => assert!(retry_after.parse::<u32>()? >= 1, "{reply:#}"),
                _ => panic!("{status}: {reply:#}"),
            }
        }
    }
    assert_idle(&bundle, &simulator, before).await?;
    bundle.stack.stop().await
}

#[tokio::test]
async fn with_a_gate_of_fifty_all_fifty_are_answered() -> Result<()> {
    let (bundle, simulator) =
        with_a_stalled_provider("vcpu: 2\nfunctions: {orchestrate: {gate: {in_flight_per_vcpu: 25}}}").await?;
    let before = idle_tasks(&bundle).await?;
    for _ in 0..BURSTS {
        let answers = ask_at_once(&bundle).await?;
        let statuses: Vec<_> = answers.iter().map(|(status, ..)| *status).collect();
        assert_eq!(statuses, vec![200; AT_ONCE], "{:#?}", answers.iter().find(|(status, ..)| *status != 200));
    }
    assert_idle(&bundle, &simulator, before).await?;
    bundle.stack.stop().await
}

async fn with_a_stalled_provider(policy: &str) -> Result<(Bundle, Simulator)> {
    let simulator = Simulator::start()?;
    let mut config = with_corpus().await?;
    connect(&mut config, &simulator);
    let file = std::env::temp_dir().join(format!("navigator-policy-{}-{}.yaml", std::process::id(), policy.len()));
    std::fs::write(&file, policy)?;
    config.set_all("NAVIGATOR_POLICY", &file.display().to_string());
    let bundle = Bundle::start(config).await?;
    std::fs::remove_file(file)?;
    // Connections are made, models are loaded: what is measured as idle is a process that has been as busy as this.
    ask_at_once(&bundle).await?;
    simulator.fault(Provider::OpenAi, Fault::new(Effect::Stall));
    Ok((bundle, simulator))
}

async fn ask_at_once(bundle: &Bundle) -> Result<Vec<(u16, Value, String)>> {
    let mut asked = JoinSet::new();
    for number in 0..AT_ONCE {
        let api = bundle.api.clone();
        let question = json!({"message": format!("What is a deductible, question {number}?"), "language": "en"});
        asked.spawn(async move {
            let answer = api.post("/v1/chat", &question).await?;
            anyhow::Ok((answer.status, answer.json(), answer.header("retry-after").to_owned()))
        });
    }
    asked.join_all().await.into_iter().collect()
}

async fn status(bundle: &Bundle) -> Result<Value> {
    Ok(bundle.api.get("/v1/status").await?.json())
}

async fn idle_tasks(bundle: &Bundle) -> Result<u64> {
    Ok(status(bundle).await?["tasks"].as_u64().unwrap())
}

/// All permits are back, nobody waits, no task is left, and the stalled provider has nobody on the line.
async fn assert_idle(bundle: &Bundle, simulator: &Simulator, tasks_before: u64) -> Result<()> {
    let idle = simulator.until(Provider::OpenAi, |counters| counters.in_flight == 0);
    tokio::time::timeout(PATIENCE, idle).await.context("the stalled provider still has callers")?;
    let seen = status(bundle).await?;
    assert_eq!((&seen["gate"]["in_use"], &seen["gate"]["waiting"]), (&json!(0), &json!(0)), "{seen:#}");
    for dependency in seen["dependencies"].as_array().unwrap() {
        let bulkhead = &dependency["bulkhead"];
        assert_eq!((&bulkhead["in_use"], &bulkhead["waiting"]), (&json!(0), &json!(0)), "{dependency:#}");
    }
    // Pooled connections have a task each and grow to the highest peak; a leak would leave one for each question.
    let (tasks, asked) = (seen["tasks"].as_u64().unwrap(), (BURSTS * AT_ONCE) as u64);
    assert!(tasks < tasks_before + asked / 2, "tasks are left: {tasks_before} before, {tasks} after {asked} questions");
    Ok(())
}
