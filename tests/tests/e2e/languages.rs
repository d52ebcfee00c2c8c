//! Spanish in, Spanish out, when somebody can translate; and the word `original` when nobody can.

use anyhow::{Context, Result};
use serde_json::json;
use tests::{
    assembly::{Bundle, with_corpus},
    simulator::{Provider, Simulator},
};

use crate::is_degraded;

const QUESTION: &str = "¿Cómo puedo apelar cuando mi seguro médico niega un reclamo?";

#[tokio::test]
async fn a_spanish_question_is_answered_in_spanish_through_apertium() -> Result<()> {
    // The real one where it runs (CI), else its shape.
    let simulator = Simulator::start()?;
    let real = std::env::var("NAVIGATOR_TEST_APERTIUM").ok();
    let url = real.clone().unwrap_or_else(|| simulator.base_url(Provider::Apertium));
    let mut config = with_corpus().await?;
    config.set("translate", "APERTIUM_URL", &url);
    let bundle = Bundle::start(config).await?;
    let reply = bundle.api.post("/v1/chat", &json!({"message": QUESTION})).await?.json();
    assert_eq!(reply["language"], json!("es"), "{reply:#}");
    assert!(is_degraded(&reply, "translate", "degraded"), "a basic engine is declared: {reply:#}");
    crate::chat::assert_citations_hold(&reply);
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
