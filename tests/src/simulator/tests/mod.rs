//! The simulator, spoken to over HTTP as the functions do.

mod answers;
mod control;
mod faults;
mod translators;

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use super::{Provider, Simulator};

/// A test that waits longer than this has failed; nothing is ever compared with it.
const PATIENCE: Duration = Duration::from_secs(20);

fn simulator() -> Simulator {
    Simulator::start().unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests speak to the simulator as a bare client: nothing between them and the wire"
)]
fn client() -> Client {
    let builder = Client::builder().no_proxy().timeout(PATIENCE);
    builder.build().unwrap()
}

fn search(client: &Client, simulator: &Simulator, query: &str) -> RequestBuilder {
    let url = format!("{}/search", simulator.base_url(Provider::Tavily));
    let request = client.post(url).bearer_auth("tvly-test");
    request.json(&json!({ "query": query }))
}

fn chat(client: &Client, simulator: &Simulator, body: &Value) -> RequestBuilder {
    let base = simulator.base_url(Provider::OpenAi);
    let request = client.post(format!("{base}/chat/completions"));
    request.bearer_auth("sk-test").json(body)
}

async fn json_of(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}
