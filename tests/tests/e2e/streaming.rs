//! Server-sent events: the same answer, streamed by a streaming process and whole by a buffered one.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    assembly::{Bundle, connect, with_corpus},
    simulator::{Effect, Fault, Provider, Simulator},
};

use crate::chat::assert_citations_hold;

#[tokio::test]
async fn events_come_in_order_and_add_up_to_the_reply() -> Result<()> {
    for mode in ["stream", "buffered"] {
        for with_model in [false, true] {
            let simulator = Simulator::start()?;
            let mut config = with_corpus().await?;
            config.set("orchestrate", "RESPONSE_MODE", mode);
            if with_model {
                connect(&mut config, &simulator);
            }
            let bundle = Bundle::start(config).await?;
            let events = ask(&bundle).await?;
            assert_adds_up(&events);
            let (_, done) = events.last().unwrap();
            assert_eq!(done["usage"]["total_tokens"].as_u64().is_some(), with_model, "{done:#}");
            bundle.stack.stop().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_model_cut_before_its_first_sentence_falls_back() -> Result<()> {
    let simulator = Simulator::start()?;
    let mut config = with_corpus().await?;
    config.set("orchestrate", "RESPONSE_MODE", "stream");
    connect(&mut config, &simulator);
    let bundle = Bundle::start(config).await?;
    for effect in [Effect::Stall, Effect::Cut, Effect::Status { code: 500, retry_after: None }] {
        simulator.fault(Provider::OpenAi, Fault::new(effect));
        let events = ask(&bundle).await?;
        assert_adds_up(&events);
        let (_, done) = events.last().unwrap();
        assert!(crate::degraded(done).iter().any(|(component, _)| component == "compose"), "{done:#}");
    }
    bundle.stack.stop().await
}

#[tokio::test]
async fn errors_before_the_first_byte_have_their_status() -> Result<()> {
    let mut config = with_corpus().await?;
    config.set("orchestrate", "RESPONSE_MODE", "stream");
    let bundle = Bundle::start(config).await?;
    let answer = bundle.api.post("/v1/chat", &json!({"message": "", "stream": true})).await?;
    assert_eq!((answer.status, answer.header("content-type")), (400, "application/problem+json"));
    bundle.stack.stop().await
}

async fn ask(bundle: &Bundle) -> Result<Vec<(String, Value)>> {
    let request = json!({"message": "What does prior authorization mean?", "stream": true, "language": "en"});
    let answer = bundle.api.post("/v1/chat", &request).await?;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"), "{}", answer.text);
    Ok(answer.text.split_terminator("\n\n").map(read_event).collect())
}

fn read_event(event: &str) -> (String, Value) {
    let (name, data) = event.split_once('\n').unwrap();
    let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
    (name.strip_prefix("event: ").unwrap().to_owned(), data)
}

fn assert_adds_up(events: &[(String, Value)]) {
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"meta"), Some(&"done")), "{names:?}");
    let text: String =
        events.iter().filter(|(name, _)| name == "delta").map(|(_, data)| data["text"].as_str().unwrap()).collect();
    let (_, done) = events.last().unwrap();
    assert_eq!(done["answer"].as_str().unwrap(), text);
    assert_citations_hold(done);
    let citations = names.iter().filter(|name| **name == "citation").count();
    assert_eq!(citations, done["citations"].as_array().unwrap().len());
}
