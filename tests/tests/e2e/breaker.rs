//! Open circuits as users see them: exactly five failures reach a provider, whichever environment made them; then the
//! answer says what was left out and why, and a refusal says when to come back.

use anyhow::{Context, Result, ensure};
use local::stack::{DatabaseChoice, FunctionChoice, Stack, binaries};
use serde_json::{Value, json};
use tests::{
    api::{Answer, Api},
    assembly::{Bundle, PolicyFile, connect, with_corpus},
    simulator::{Fault, Provider, Simulator},
};
use tokio::process::Command;

use crate::is_degraded;

/// What opens a circuit, as the policy is shipped.
const FAILURES: u64 = 5;
/// On a busy machine the emulator may take longer than the table's 50 ms; here every failure has to be counted.
const PATIENT: &str = "
service: { store_allowance: 1s }
dependencies: { overrides: { control_table: { timeout: 1s } } }
";

#[tokio::test]
async fn after_five_failures_of_web_search_the_chat_says_that_its_circuit_is_open() -> Result<()> {
    let (bundle, simulator, _policy) = with_failing_search(&[]).await?;
    for _ in 0..FAILURES {
        let answer = ask(&bundle).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let reply = ask(&bundle).await?.json();
    assert!(is_degraded(&reply, "search", "circuit_open"), "{reply:#}");
    let search = reply["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "search").unwrap();
    assert_eq!(search["outcome"], json!("circuit_open"), "{reply:#}");
    crate::chat::assert_citations_hold(&reply);
    assert_eq!(simulator.counters(Provider::Tavily).total, FAILURES);
    let status = bundle.api.post("/v1/search", &json!({"query": "premium"})).await?.json();
    assert!(is_degraded(&status, "search", "circuit_open"), "{status:#}");
    assert_eq!(simulator.counters(Provider::Tavily).total, FAILURES);
    bundle.stack.stop().await
}

#[tokio::test]
async fn environments_share_the_verdict() -> Result<()> {
    let (bundle, simulator, _policy) = with_failing_search(&["search-2", "search-3"]).await?;
    for function in ["search", "search-2", "search"] {
        invoke_search(&bundle.stack, function, "premium").await?;
    }
    assert_eq!(simulator.counters(Provider::Tavily).total, FAILURES, "the failures of both add up to five");
    // One that never failed itself.
    let reply = invoke_search(&bundle.stack, "search-3", "premium").await?;
    assert!(is_degraded(&reply, "search", "circuit_open"), "{reply:#}");
    assert_eq!(simulator.counters(Provider::Tavily).total, FAILURES);
    // One that has looked a moment ago finds out with its next call at the latest.
    for _ in 0..3 {
        invoke_search(&bundle.stack, "search-2", "premium").await?;
    }
    assert!(simulator.counters(Provider::Tavily).total <= FAILURES + 1);
    bundle.stack.stop().await
}

#[tokio::test]
async fn an_operators_word_counts_for_all() -> Result<()> {
    let (bundle, simulator, _policy) = with_failing_search(&["search-2", "search-3"]).await?;
    simulator.heal(Provider::Tavily);
    let said = operate(&bundle.stack, &["breaker", "tavily", "open"], true).await?;
    assert!(said.contains("tavily") && said.contains("open"), "{said}");
    let reply = invoke_search(&bundle.stack, "search-2", "premium").await?;
    assert!(is_degraded(&reply, "search", "circuit_open"), "{reply:#}");
    assert_eq!(simulator.counters(Provider::Tavily).total, 0);

    operate(&bundle.stack, &["breaker", "tavily", "none"], true).await?;
    let reply = invoke_search(&bundle.stack, "search-3", "premium").await?;
    assert_eq!(reply["degraded"], json!([]), "{reply:#}");
    assert_eq!(simulator.counters(Provider::Tavily).total, 1);

    let said = operate(&bundle.stack, &["breaker"], false).await?;
    let tavily = said.lines().find(|line| line.starts_with("tavily")).context("all are listed")?;
    assert_eq!(tavily.split_whitespace().collect::<Vec<_>>(), ["tavily", "closed", "-", "2", "0", "-", "-"]);
    assert!(said.lines().any(|line| line.starts_with("openai")), "{said}");
    let refused = operate(&bundle.stack, &["breaker", "nobody", "open"], false).await.unwrap_err().to_string();
    assert!(refused.contains("nobody") && refused.contains("tavily"), "{refused}");
    bundle.stack.stop().await
}

#[tokio::test]
async fn an_open_circuit_of_what_is_required_is_named_with_the_time_to_come_back() -> Result<()> {
    let mut config = with_corpus().await?;
    config.database = DatabaseChoice::Url("postgres://nobody@127.0.0.1:1/none".to_owned());
    let _policy = PolicyFile::of(
        &mut config,
        "dependencies: { overrides: { postgres: { breaker: { recovery_timeout: 60s, max_recovery_timeout: 60s } } } }",
    )?;
    let bundle = Bundle::start(config).await?;
    for _ in 0..FAILURES {
        bundle.api.post("/v1/retrieve", &json!({"query": "copay"})).await?;
    }
    for (path, body) in
        [("/v1/retrieve", json!({"query": "copay"})), ("/v1/chat", json!({"message": "copay?", "language": "en"}))]
    {
        let answer = bundle.api.post(path, &body).await?;
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["dependency"], &problem["reason"]),
            (503, &json!("postgres"), &json!("circuit_open")),
            "{path}: {}",
            answer.text
        );
        let seconds: u64 = answer.header("retry-after").parse()?;
        assert!((1..=60).contains(&seconds), "{path}: {seconds}");
    }
    bundle.stack.stop().await
}

#[tokio::test]
async fn an_open_circuit_of_the_translator_reaches_the_chat() -> Result<()> {
    let simulator = Simulator::start()?;
    let mut config = with_corpus().await?;
    let _policy = PolicyFile::of(&mut config, PATIENT)?;
    config.set("translate", "APERTIUM_URL", &simulator.base_url(Provider::Apertium));
    let bundle = Bundle::start(config).await?;
    simulator.fault(Provider::Apertium, Fault::status(500));
    let question = json!({"message": "¿Cómo puedo apelar cuando mi seguro médico niega un reclamo?"});
    for _ in 0..FAILURES {
        bundle.api.post("/v1/chat", &question).await?;
    }
    let reply = bundle.api.post("/v1/chat", &question).await?.json();
    assert!(is_degraded(&reply, "translate", "original"), "{reply:#}");
    assert!(is_degraded(&reply, "translate", "circuit_open"), "{reply:#}");
    assert_eq!(simulator.counters(Provider::Apertium).total, FAILURES);
    bundle.stack.stop().await
}

async fn ask(bundle: &Bundle) -> Result<Answer> {
    bundle.api.post("/v1/chat", &json!({"message": "What is a copay?", "language": "en"})).await
}

/// The bundle while web search fails, with `copies` more environments of search. All share one control table.
async fn with_failing_search(copies: &[&str]) -> Result<(Bundle, Simulator, PolicyFile)> {
    let simulator = Simulator::start()?;
    let mut config = with_corpus().await?;
    for copy in copies {
        let search = FunctionChoice::new(binaries()?.join("search"), "search");
        config.functions.insert((*copy).to_owned(), search);
        config.set(copy, "TAVILY_API_KEY", "test-key");
        config.set(copy, "TAVILY_URL", &simulator.base_url(Provider::Tavily));
    }
    connect(&mut config, &simulator);
    let policy = PolicyFile::of(&mut config, PATIENT)?;
    let bundle = Bundle::start(config).await?;
    simulator.fault(Provider::Tavily, Fault::status(500));
    Ok((bundle, simulator, policy))
}

#[tokio::test]
async fn a_model_is_asked_for_no_more_tokens_than_the_policy_has() -> Result<()> {
    let simulator = Simulator::start()?;
    let mut config = with_corpus().await?;
    connect(&mut config, &simulator);
    let tokens = "{ limit: 60, per: 60s, algorithm: bucket, burst: 5, scope: fleet, max_wait: 500ms, without_store: local_share }";
    let policy = format!("dependencies: {{ overrides: {{ openai: {{ tokens: {tokens} }} }} }}");
    let _policy = PolicyFile::of(&mut config, &policy)?;
    let bundle = Bundle::start(config).await?;
    let reply = ask(&bundle).await?.json();
    assert!(is_degraded(&reply, "compose", "rate_limited"), "{reply:#}");
    assert_eq!(simulator.counters(Provider::OpenAi).total, 0);
    crate::chat::assert_citations_hold(&reply);
    bundle.stack.stop().await
}

/// Invokes one environment, past the gateway; gives back the reply's body.
async fn invoke_search(stack: &Stack, function: &str, query: &str) -> Result<Value> {
    let event = json!({
        "resource": "/v1/search", "path": "/v1/search", "httpMethod": "POST",
        "headers": {"content-type": "application/json"}, "multiValueHeaders": {},
        "requestContext": {"stage": "", "path": "/v1/search", "httpMethod": "POST", "requestId": "r", "identity": {}},
        "body": json!({ "query": query }).to_string(), "isBase64Encoded": false,
    });
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let reply = Api::new(&stack.invoke_url())?.post(&path, &event).await?.json();
    let body = reply["body"].as_str().with_context(|| format!("{function}: {reply}"))?;
    Ok(serde_json::from_str(body)?)
}

/// Runs `local` on the stack's control table: named as on AWS, or as the local stack's.
async fn operate(stack: &Stack, words: &[&str], by_name: bool) -> Result<String> {
    let url = stack.dynamo_url().context("a control table")?;
    let mut command = Command::new(binaries()?.join("local"));
    command.args(words).kill_on_drop(true).env_remove("CONTROL_TABLE");
    if by_name {
        command.env("CONTROL_TABLE", "control").env("AWS_ENDPOINT_URL_DYNAMODB", url).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
    } else {
        command.args(["--dynamo-port", url.rsplit(':').next().context("a port")?.trim_end_matches('/')]);
    }
    let output = command.output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
