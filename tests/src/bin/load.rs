//! `make load`: fifty questions at once while one provider has stalled for ever; prints what came back and how late.

#![expect(clippy::disallowed_types, reason = "a crowd of clients, all at once on purpose")]

use std::{io::Write, time::Duration};

use anyhow::Result;
use serde_json::json;
use shared::clock;
use tests::{
    api::Api,
    assembly::{Bundle, connect, with_corpus},
    simulator::{Effect, Fault, Provider, Simulator},
};
use tokio::task::JoinSet;

const AT_ONCE: usize = 50;
const PROVIDERS: [Provider; 2] = [Provider::OpenAi, Provider::Tavily];

#[tokio::main]
async fn main() -> Result<()> {
    for (gate, policy) in
        [("default gate", "{}"), ("gate of 50", "functions: {orchestrate: {gate: {in_flight_per_vcpu: 25}}}\nvcpu: 2")]
    {
        for stalled in PROVIDERS {
            run(gate, policy, stalled).await?;
        }
    }
    Ok(())
}

async fn run(gate: &str, policy: &str, stalled: Provider) -> Result<()> {
    let simulator = Simulator::start()?;
    let mut config = with_corpus().await?;
    connect(&mut config, &simulator);
    let file = std::env::temp_dir().join(format!("navigator-load-{}.yaml", std::process::id()));
    std::fs::write(&file, policy)?;
    config.set_all("NAVIGATOR_POLICY", &file.display().to_string());
    let bundle = Bundle::start(config).await?;
    bundle.api.post("/v1/chat", &json!({"message": "What is a copay?", "language": "en"})).await?;
    simulator.fault(stalled, Fault::new(Effect::Stall));
    let answers = ask(&bundle.api).await?;
    report(&format!("{gate}, {} stalled", stalled.name()), answers)?;
    std::fs::remove_file(file)?;
    bundle.stack.stop().await
}

async fn ask(api: &Api) -> Result<Vec<(u16, Duration)>> {
    let mut asked = JoinSet::new();
    for number in 0..AT_ONCE {
        let (api, question) =
            (api.clone(), json!({"message": format!("What is a deductible, question {number}?"), "language": "en"}));
        asked.spawn(async move {
            let started = clock::now();
            let answer = api.post("/v1/chat", &question).await?;
            anyhow::Ok((answer.status, clock::now() - started))
        });
    }
    asked.join_all().await.into_iter().collect()
}

fn report(what: &str, mut answers: Vec<(u16, Duration)>) -> Result<()> {
    answers.sort_by_key(|(_, took)| *took);
    let of = |status| answers.iter().filter(|(given, _)| *given == status).count();
    let at = |share: usize| answers[(answers.len() * share / 100).min(answers.len() - 1)].1.as_millis();
    let other = answers.len() - of(200) - of(429);
    let line = format!(
        "{what}: 200 x {}, 429 x {}, other x {other}; P50 {} ms, P95 {} ms, slowest {} ms",
        of(200),
        of(429),
        at(50),
        at(95),
        at(100)
    );
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
