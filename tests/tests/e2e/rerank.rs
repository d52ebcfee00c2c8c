//! A reranking service through the whole bundle: its order counts, and its faults do not.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    assembly::{Bundle, PolicyFile, connect_reranker, with_corpus},
    simulator::{Effect, Fault, Provider, Simulator},
};

use crate::degraded;

/// A far-away service's ceiling, and each fault by itself.
const POLICY: &str = "{ retrieve: { rerank: 300ms }, dependencies: { overrides: { rerank: { rate: null, breaker: { mode: metrics_only } } } } }";

#[tokio::test]
async fn a_reranking_service_orders_and_its_faults_are_declared() -> Result<()> {
    let simulator = Simulator::start()?;
    let mut config = with_corpus().await?;
    connect_reranker(&mut config, &simulator);
    let _policy = PolicyFile::of(&mut config, POLICY)?;
    let bundle = Bundle::start(config).await?;
    let question = "219-09-9999 deductible copay";
    ask(&bundle, question, false).await?;
    assert_eq!(simulator.counters(Provider::Rerank).total, 0);

    let ranked = ask(&bundle, question, true).await?;
    assert_eq!((degraded(&ranked), places(&ranked)), (vec![], vec![json!(1), json!(2), json!(3)]), "{ranked:#}");
    let heard = &simulator.journal(Provider::Rerank)[0];
    assert!(!heard.contains("219-09-9999"), "a third party was told an SSN");
    assert_eq!(heard.json()["query"], json!("[SSN_1] deductible copay"));
    assert!(!heard.headers.contains_key("authorization"), "without a key none is sent");

    for (fault, reason) in [
        (Fault::new(Effect::Stall), "timeout"),
        (Fault::status(500), "fault"),
        (Fault::new(Effect::Cut), "fault"),
        (Fault::new(Effect::Nonsense), "fault"),
        (Fault::new(Effect::Malformed), "fault"),
        (Fault::new(Effect::Oversized), "fault"),
        (Fault::status(401), "unauthorized"),
        (Fault::rate_limited(7), "rate_limited"),
    ] {
        // What was answered well before is known.
        let question = format!("{question} {fault:?}");
        let unranked = ask(&bundle, &question, false).await?;
        simulator.fault(Provider::Rerank, fault.clone());
        let reply = ask(&bundle, &question, true).await?;
        assert_eq!(degraded(&reply), [("rerank".to_owned(), reason.to_owned())], "{fault:?}");
        assert_eq!(reply["passages"], unranked["passages"], "{fault:?}: the fused order stays");
    }
    bundle.stack.stop().await
}

async fn ask(bundle: &Bundle, question: &str, rerank: bool) -> Result<Value> {
    let query = json!({"query": question, "k": 3, "rerank": rerank});
    let answer = bundle.api.post("/v1/retrieve", &query).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Ok(answer.json())
}

fn places(reply: &Value) -> Vec<Value> {
    let passages = reply["passages"].as_array().cloned().unwrap_or_default();
    passages.iter().map(|passage| passage["ranks"]["rerank"].clone()).collect()
}
