//! Metrics leave a function by its standard output, as plain JSON lines, when they are switched on.

use std::time::Duration;

use anyhow::{Context, Result};
use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    api::Api,
    assembly::{Bundle, without_stores},
};

/// For what must be over already; a test that would wait for ever fails instead.
const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(10);

#[tokio::test]
async fn each_invocation_is_in_one_line_when_switched_on() -> Result<()> {
    let mut config = without_stores()?;
    config.set("sanitize", "NAVIGATOR_METRICS", "emf");
    let Bundle { stack, api } = Bundle::start(config).await?;
    let ssn = "219-09-9999";
    let text = format!("My SSN is {ssn}");
    for _ in 0..3 {
        sanitized(&api, &text).await?;
    }
    let counted = async {
        while gate_lines(&stack, "sanitize").len() < 3 {
            tokio::time::sleep(STEP).await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.context("fewer lines than invocations")?;
    let lines = gate_lines(&stack, "sanitize");
    let admitted: Vec<_> = lines.iter().map(|line| line["Admitted"].as_u64().unwrap()).collect();
    assert_eq!(admitted, [1, 1, 1], "{lines:#?}");
    for line in &lines {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!((&directive["Namespace"], &line["function"]), (&json!("Navigator"), &json!("sanitize")));
        assert!(line["message"].is_null() && line["level"].is_null(), "wrapped into the log: {line}");
        // The whole number: unlike a piece of it, no random id of a request has its shape.
        assert!(!line.to_string().contains(ssn), "{line}");
    }
    assert!(gate_lines(&stack, "translate").is_empty(), "off by default in the local stack");
    let status = api.get("/v1/status").await?.json();
    for (part, number) in [("gate", "waited_us"), ("gate", "refusals"), ("gate", "limit")] {
        assert!(!status[part][number].is_null(), "{part}.{number}: {status:#}");
    }
    stack.stop().await
}

async fn sanitized(api: &Api, text: &str) -> Result<()> {
    let answer = api.post("/v1/sanitize", &json!({"text": text, "direction": "input"})).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Ok(())
}

/// The lines of a function's own gate, as they came by its standard output.
fn gate_lines(stack: &Stack, function: &str) -> Vec<Value> {
    let lines = stack.function(function).unwrap().logs().lines();
    let read = |line: &String| serde_json::from_str::<Value>(line).ok().filter(|line| line["_aws"].is_object());
    lines.iter().filter_map(read).filter(|line| line["dependency"].is_null()).collect()
}
