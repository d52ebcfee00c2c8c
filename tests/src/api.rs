//! A plain client of the API, as a program of a patient's portal would have it.

use std::time::Duration;

use anyhow::Result;
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;

/// Longer than any promise of the API: a hang becomes an error, not a stuck test.
const PATIENCE: Duration = Duration::from_secs(90);

/// A client of one gateway.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    url: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Api {
    /// A client of the gateway at `url`.
    ///
    /// # Errors
    /// When the client cannot be built.
    #[expect(clippy::disallowed_methods, reason = "this is the outside: a client of the API, not a part of it")]
    pub fn new(url: &str) -> Result<Self> {
        Ok(Self { client: Client::builder().timeout(PATIENCE).build()?, url: url.to_owned() })
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        Self::send(self.request(Method::POST, path).json(body)).await
    }

    /// Gets a path.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        Self::send(self.request(Method::GET, path)).await
    }

    /// A request to be finished by the caller; end it with [`Api::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn send(request: RequestBuilder) -> Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }
}

impl Answer {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A header's value; empty when it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
