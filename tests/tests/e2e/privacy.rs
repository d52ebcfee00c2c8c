//! Patient data never reaches a third party, a log, or an error; the patient sees it again.

use anyhow::Result;
use serde_json::json;
use tests::simulator::Provider;

use crate::chat::with_providers;

const MEMBER_ID: &str = "XQT4471902";
const SSN: &str = "219-09-9999";

#[tokio::test]
async fn identifiers_stay_in_our_account() -> Result<()> {
    let (bundle, simulator) = with_providers().await?;
    let message = format!("My member ID is {MEMBER_ID} and my SSN is {SSN}. ¿Cuánto es mi deducible y cómo apelo?");
    let answer = bundle.api.post("/v1/chat", &json!({"message": message, "language": "es"})).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let kinds: Vec<_> =
        answer.json()["safety"]["findings"].as_array().unwrap().iter().map(|found| found["kind"].clone()).collect();
    assert!(kinds.contains(&json!("phi.ssn")), "{kinds:?}");
    let mut heard = 0;
    for provider in Provider::ALL {
        for request in simulator.journal(provider) {
            heard += 1;
            assert!(!request.contains(MEMBER_ID) && !request.contains(SSN), "{provider:?} was told an identifier");
        }
    }
    assert!(heard >= 3, "the question reached {heard} providers' requests: the test must see some");
    for function in bundle.stack.functions() {
        let log = function.logs().lines().join("\n");
        assert!(!log.contains(MEMBER_ID) && !log.contains(SSN), "{} logged an identifier", function.name());
    }
    bundle.stack.stop().await
}

#[tokio::test]
async fn search_and_translate_mask_on_their_own() -> Result<()> {
    let (bundle, simulator) = with_providers().await?;
    let text = format!("claim of member {MEMBER_ID}, SSN {SSN}");
    let searched = bundle.api.post("/v1/search", &json!({"query": text})).await?;
    assert_eq!(searched.status, 200, "{}", searched.text);
    let translated = bundle
        .api
        .post("/v1/translate", &json!({"text": format!("My SSN is {SSN}."), "target": "es", "source": "en"}))
        .await?;
    assert!(translated.text.contains(SSN), "the asker's own text comes back whole: {}", translated.text);
    for request in Provider::ALL.into_iter().flat_map(|provider| simulator.journal(provider)) {
        assert!(!request.contains(SSN), "a third party was told an SSN");
    }
    assert!(simulator.counters(Provider::Tavily).total > 0);
    bundle.stack.stop().await
}
