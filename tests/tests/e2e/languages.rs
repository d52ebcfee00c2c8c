//! Spanish in, Spanish out, when somebody can translate; and the word `original` when nobody can.

use anyhow::{Context, Result, ensure};
use local::{apertium::Apertium, lifeline::Lifeline};
use serde_json::json;
use tests::{
    assembly::{Bundle, with_corpus},
    parts,
    simulator::{Provider, Simulator},
};

use crate::is_degraded;

const QUESTION: &str = "¿Cómo puedo apelar cuando mi seguro médico niega un reclamo?";

#[tokio::test]
async fn a_spanish_question_is_answered_in_spanish_through_apertium() -> Result<()> {
    // The real one where it is installed, as in CI; elsewhere its shape.
    let simulator = Simulator::start()?;
    let apertium = Apertium::start(&Lifeline::start()?).await?;
    let url = apertium.as_ref().map_or_else(|| simulator.base_url(Provider::Apertium), Apertium::url);
    if apertium.is_some() {
        parts::used("apertium");
    } else {
        ensure!(std::env::var("CI").is_err(), "Apertium is not installed: CI tests the real one");
    }
    let mut config = with_corpus().await?;
    config.set("translate", "APERTIUM_URL", &url);
    let bundle = Bundle::start(config).await?;
    let reply = bundle.api.post("/v1/chat", &json!({"message": QUESTION})).await?.json();
    assert_eq!(reply["language"], json!("es"), "{reply:#}");
    assert!(is_degraded(&reply, "translate", "degraded"), "a basic engine is declared: {reply:#}");
    crate::chat::assert_citations_hold(&reply);
    if let Some(apertium) = apertium {
        apertium.stop().await;
    }
    bundle.stack.stop().await
}

#[tokio::test]
async fn without_a_translator_the_reply_says_original() -> Result<()> {
    let bundle = Bundle::start(with_corpus().await?).await?;
    let reply = bundle.api.post("/v1/chat", &json!({"message": QUESTION})).await?.json();
    assert!(is_degraded(&reply, "translate", "original"), "{reply:#}");
    crate::chat::assert_citations_hold(&reply);
    let translation = bundle.api.post("/v1/translate", &json!({"text": QUESTION, "target": "en"})).await?.json();
    let translation = translation["translations"].get(0).context("one translation")?.clone();
    assert_eq!(
        (&translation["quality"], &translation["text"]),
        (&json!("original"), &json!(QUESTION)),
        "{translation:#}"
    );
    bundle.stack.stop().await
}
