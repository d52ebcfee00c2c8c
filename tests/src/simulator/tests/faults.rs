//! Every fault as a client meets it, and the recovery from it.

#![expect(clippy::disallowed_types, reason = "a crowd of clients, all at once on purpose")]

use tokio::task::JoinSet;

use super::{PATIENCE, Provider, Simulator, client, json_of, search, simulator};
use crate::simulator::{Counters, Effect, Fault};

const TAVILY: Provider = Provider::Tavily;

async fn reaches(simulator: &Simulator, condition: impl FnMut(&Counters) -> bool) -> Counters {
    let reached = simulator.until(TAVILY, condition);
    tokio::time::timeout(PATIENCE, reached).await.unwrap()
}

fn faulty(effect: Effect) -> Simulator {
    let simulator = simulator();
    simulator.fault(TAVILY, Fault::new(effect));
    simulator
}

#[tokio::test]
async fn status_comes_in_the_provider_s_envelope_and_ends_after_its_times() {
    let simulator = simulator();
    let client = client();
    simulator.fault(TAVILY, Fault::rate_limited(7).times(2));
    for _ in 0..2 {
        let response = search(&client, &simulator, "copay").send().await.unwrap();
        assert_eq!(response.headers()["retry-after"], "7");
        let (status, body) = json_of(response).await;
        assert_eq!(status, 429);
        assert!(body["detail"]["error"].is_string());
    }
    let response = search(&client, &simulator, "copay").send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn any_status_can_be_commanded() {
    let simulator = simulator();
    let client = client();
    for code in [432, 500, 503] {
        simulator.fault(TAVILY, Fault::status(code));
        let response = search(&client, &simulator, "copay").send().await.unwrap();
        assert_eq!(response.status().as_u16(), code);
    }
}

#[tokio::test]
async fn a_stalled_request_stays_in_flight_until_the_client_leaves() {
    let simulator = faulty(Effect::Stall);
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        tasks.spawn(search(&client(), &simulator, "copay").send());
    }
    let stalled = reaches(&simulator, |counters| counters.in_flight == 3).await;
    assert_eq!((stalled.open_connections, stalled.total), (3, 3));
    tasks.shutdown().await;
    let after = reaches(&simulator, |counters| (counters.open_connections, counters.in_flight) == (0, 0)).await;
    assert_eq!(after.max_in_flight, 3);
}

#[tokio::test]
async fn a_stalled_body_sends_its_first_half() {
    let simulator = faulty(Effect::StallBody);
    let mut response = search(&client(), &simulator, "copay").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.chunk().await.unwrap().is_some());
    assert_eq!(simulator.counters(TAVILY).in_flight, 1);
    drop(response);
    reaches(&simulator, |counters| counters.in_flight == 0).await;
}

#[tokio::test]
async fn a_malformed_body_is_no_json() {
    let simulator = faulty(Effect::Malformed);
    let response = search(&client(), &simulator, "copay").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.json::<serde_json::Value>().await.is_err());
}

#[tokio::test]
async fn a_truncated_body_starts_well_and_ends_in_an_error() {
    let simulator = faulty(Effect::Truncated);
    let mut response = search(&client(), &simulator, "copay").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.chunk().await.unwrap().is_some());
    assert!(response.chunk().await.is_err());
}

#[tokio::test]
async fn a_cut_connection_gives_no_answer_and_the_next_one_does() {
    let simulator = simulator();
    let client = client();
    simulator.fault(TAVILY, Fault::new(Effect::Cut).times(1));
    let cut = search(&client, &simulator, "copay").send().await;
    assert!(cut.is_err());
    let response = search(&client, &simulator, "copay").send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_drip_delivers_the_whole_answer_in_pieces() {
    let simulator = faulty(Effect::Drip { bytes: 100, interval_ms: 1 });
    let mut response = search(&client(), &simulator, "copay").send().await.unwrap();
    let (mut body, mut pieces) = (Vec::new(), 0);
    while let Some(piece) = response.chunk().await.unwrap() {
        pieces += 1;
        body.extend_from_slice(&piece);
    }
    assert!(pieces > 1);
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
}

#[tokio::test]
async fn an_oversized_body_is_valid_json_of_over_two_mebibytes() {
    let simulator = faulty(Effect::Oversized);
    let response = search(&client(), &simulator, "copay").send().await.unwrap();
    let body = response.bytes().await.unwrap();
    assert!(body.len() > 2 * 1024 * 1024);
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
}

#[tokio::test]
async fn a_wrong_content_type_is_text_html() {
    let simulator = faulty(Effect::ContentType);
    let response = search(&client(), &simulator, "copay").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/html");
}

#[tokio::test]
async fn latency_delays_the_right_answer_and_healing_ends_a_fault() {
    let simulator = simulator();
    let client = client();
    simulator.fault(TAVILY, Fault::latency(1));
    let response = search(&client, &simulator, "copay").send().await.unwrap();
    assert_eq!(response.status(), 200);
    simulator.fault(TAVILY, Fault::status(500));
    simulator.heal(TAVILY);
    let response = search(&client, &simulator, "copay").send().await.unwrap();
    assert_eq!(response.status(), 200);
}
