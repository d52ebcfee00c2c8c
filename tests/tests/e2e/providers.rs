//! Providers that misbehave: the answer comes all the same and says what was left out.

use anyhow::Result;
use serde_json::json;
use tests::{
    assembly::{Bundle, PolicyFile, connect, with_corpus},
    simulator::{Effect, Fault, Provider, Simulator},
};

use crate::{chat::assert_citations_hold, is_degraded};

#[tokio::test]
async fn each_fault_of_web_search_is_declared_with_its_reason() -> Result<()> {
    let (bundle, simulator, _policy) = without_breakers().await?;
    let faults = [
        (Fault::new(Effect::Stall), "timeout"),
        (Fault::new(Effect::Cut), "fault"),
        (Fault::new(Effect::Malformed), "fault"),
        (Fault::new(Effect::Oversized), "fault"),
        (Fault::status(500), "fault"),
        (Fault::rate_limited(7), "rate_limited"),
        (Fault::status(432), "quota"),
        (Fault::status(401), "unauthorized"),
    ];
    for (fault, reason) in faults {
        simulator.fault(Provider::Tavily, fault.clone());
        let answer = bundle.api.post("/v1/chat", &json!({"message": "What is a copay?", "language": "en"})).await?;
        assert_eq!(answer.status, 200, "{fault:?}: {}", answer.text);
        assert!(is_degraded(&answer.json(), "search", reason), "{fault:?}: {:#}", answer.json()["degraded"]);
        assert_citations_hold(&answer.json());
    }
    simulator.heal(Provider::Tavily);
    let healed = bundle.api.post("/v1/chat", &json!({"message": "What is a copay?", "language": "en"})).await?.json();
    assert_eq!(healed["degraded"], json!([]), "{healed:#}");
    bundle.stack.stop().await
}

#[tokio::test]
async fn a_model_that_fails_is_replaced_by_the_documents_own_sentences() -> Result<()> {
    let (bundle, simulator, _policy) = without_breakers().await?;
    for (fault, reason) in [
        (Fault::new(Effect::Stall), "timeout"),
        (Fault::status(503), "fault"),
        (Fault::new(Effect::Truncated), "fault"),
    ] {
        simulator.fault(Provider::OpenAi, fault.clone());
        let answer = bundle.api.post("/v1/chat", &json!({"message": "What is an HMO?", "language": "en"})).await?;
        assert_eq!(answer.status, 200, "{fault:?}: {}", answer.text);
        assert!(is_degraded(&answer.json(), "compose", reason), "{fault:?}: {:#}", answer.json()["degraded"]);
        assert_citations_hold(&answer.json());
    }
    bundle.stack.stop().await
}

/// Each fault by itself: no circuit opens, and no pause outlasts its case.
async fn without_breakers() -> Result<(Bundle, Simulator, PolicyFile)> {
    let simulator = Simulator::start()?;
    let mut config = with_corpus().await?;
    connect(&mut config, &simulator);
    let overrides = "tavily: { breaker: { mode: metrics_only } }, openai: { breaker: { mode: metrics_only } }";
    let policy = PolicyFile::of(&mut config, &format!("dependencies: {{ overrides: {{ {overrides} }} }}"))?;
    Ok((Bundle::start(config).await?, simulator, policy))
}
