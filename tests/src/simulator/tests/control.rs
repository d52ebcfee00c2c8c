//! The journal, and the commands by HTTP.

use serde_json::{Value, json};

use super::{Provider, client, json_of, search, simulator};

#[tokio::test]
async fn the_journal_holds_what_was_sent() {
    let simulator = simulator();
    let response = search(&client(), &simulator, "my name is Rosa").send().await;
    assert!(response.is_ok());
    let journal = simulator.journal(Provider::Tavily);
    let [request] = &journal[..] else {
        panic!("one request, not {}", journal.len());
    };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/search"));
    assert_eq!(request.json()["query"], "my name is Rosa");
    assert_eq!(request.headers["authorization"], "Bearer tvly-test");
    assert!(request.contains("Rosa") && !request.contains("Ana"));
    assert!(simulator.journal(Provider::OpenAi).is_empty());
}

#[tokio::test]
async fn a_name_in_a_query_string_is_found_decoded() {
    let simulator = simulator();
    let base = simulator.base_url(Provider::Apertium);
    let url = format!("{base}/translate?langpair=eng%7Cspa&q=Rosa%20P%C3%A9rez");
    assert!(client().get(url).send().await.is_ok());
    assert!(simulator.journal(Provider::Apertium)[0].contains("Rosa Pérez"));
}

#[tokio::test]
async fn the_journal_keeps_the_last_thousand() {
    let simulator = simulator();
    let client = client();
    for number in 0..1_003 {
        let response = search(&client, &simulator, &number.to_string()).send().await;
        response.unwrap().bytes().await.unwrap();
    }
    let journal = simulator.journal(Provider::Tavily);
    assert_eq!(journal.len(), 1_000);
    assert_eq!(journal[0].json()["query"], "3");
    assert_eq!(simulator.counters(Provider::Tavily).total, 1_003);
}

#[tokio::test]
async fn faults_and_journal_are_commanded_by_http() {
    let simulator = simulator();
    let (client, url) = (client(), simulator.url());
    let fault = json!({"effect": {"status": {"code": 503, "retry_after": 1}}, "latency_ms": 1, "times": 1});
    let put = client.put(format!("{url}/_faults/tavily")).json(&fault);
    assert_eq!(put.send().await.unwrap().status(), 204);
    let response = search(&client, &simulator, "copay").send().await.unwrap();
    assert_eq!(response.status(), 503);
    let (_, report) = json_of(client.get(format!("{url}/_journal/tavily")).send().await.unwrap()).await;
    assert_eq!(report["counters"]["total"], 1);
    assert!(report["requests"][0]["body"].as_str().unwrap().contains("copay"));
    client.delete(format!("{url}/_journal")).send().await.unwrap();
    let (_, report) = json_of(client.get(format!("{url}/_journal/tavily")).send().await.unwrap()).await;
    assert_eq!((&report["counters"]["total"], &report["requests"]), (&json!(0), &Value::Array(vec![])));
}

#[tokio::test]
async fn a_command_that_makes_no_sense_is_refused() {
    let simulator = simulator();
    let (client, url) = (client(), simulator.url());
    let put = async |provider: &str, fault: Value| {
        let request = client.put(format!("{url}/_faults/{provider}")).json(&fault);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(put("bing", json!({"effect": "stall"})).await, 404);
    assert_eq!(put("tavily", json!({"effect": "explode"})).await, 422);
    assert_eq!(put("tavily", json!({"effects": "stall"})).await, 422);
    assert_eq!(put("tavily", json!({"effect": "stall"})).await, 204);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn dropping_the_simulator_closes_its_port() {
    let simulator = simulator();
    let address = simulator.url();
    drop(simulator);
    assert!(client().get(address).send().await.is_err());
}
