//! HTTP partners: services of third parties, each with its own pooled client and limits.
//!
//! No redirects (a partner could send patients' text elsewhere), bounded replies, and no error that quotes an
//! address or a body.

mod pause;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    core::Core,
    deadline::Deadline,
    dependency::{CallError, Classify, Dependency, Effect, Pieces, Verdict},
};

/// An outside service that speaks HTTP. Clones share client and limits.
#[derive(Clone, Debug)]
pub struct Partner {
    dependency: Dependency,
    client: Client,
    base: Url,
    max_reply_bytes: usize,
}

/// A partner that cannot be set up: its address is not one.
#[derive(Debug, thiserror::Error)]
#[error("{0}: expected an http or https address")]
pub struct BadAddress(pub &'static str);

/// How a partner failed. Never holds its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpFault {
    /// It answered with a status other than success.
    #[error("status {status}")]
    Status {
        /// The status.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// No connection, or it was cut.
    #[error("the connection failed")]
    Transport,
    /// An answer that is too long or not of the expected form.
    #[error("the answer is not of the expected form")]
    Body,
}

/// One request to a partner.
#[derive(Debug)]
pub struct Ask<'a, B> {
    /// `GET` or `POST`.
    pub method: Method,
    /// Below the partner's base address.
    pub path: &'a str,
    /// Such as a key.
    pub headers: Vec<(&'static str, &'a SecretString)>,
    /// What is sent.
    pub body: Payload<'a, B>,
    /// Whether it may be sent twice.
    pub effect: Effect,
}

/// The body of a request.
#[derive(Debug)]
pub enum Payload<'a, B> {
    /// None.
    Nothing,
    /// JSON.
    Json(&'a B),
    /// A form.
    Form(&'a B),
}

impl Partner {
    /// The partner `name` (as in the policy) at `base`; `variable` is named when the address is bad.
    pub fn new(name: &'static str, variable: &'static str, base: &str, core: &Core) -> Result<Self, BadAddress> {
        let base = format!("{}/", base.trim_end_matches('/'));
        let base: Url = base.parse().map_err(|_| BadAddress(variable))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(BadAddress(variable));
        }
        let client = builder(&core.policy());
        Self::with(name, variable, base, client, core)
    }

    /// The partner `name` on a port of this machine, asked directly whatever proxy the environment names.
    pub fn on_this_machine(
        name: &'static str,
        variable: &'static str,
        port: u16,
        core: &Core,
    ) -> Result<Self, BadAddress> {
        let base = format!("http://localhost:{port}/").parse().map_err(|_| BadAddress(variable))?;
        Self::with(name, variable, base, builder(&core.policy()).no_proxy(), core)
    }

    fn with(
        name: &'static str,
        variable: &'static str,
        base: Url,
        client: ClientBuilder,
        core: &Core,
    ) -> Result<Self, BadAddress> {
        let client = built(client).map_err(|_| BadAddress(variable))?;
        let max_reply_bytes = core.policy().service.max_reply_bytes;
        Ok(Self { dependency: core.dependency(name), client, base, max_reply_bytes })
    }

    /// The text at `path`.
    pub async fn text(&self, deadline: Deadline, path: &str) -> Result<String, CallError<HttpFault>> {
        let (method, headers, body) = (Method::GET, Vec::new(), Payload::<()>::Nothing);
        let ask = Ask { method, path, headers, body, effect: Effect::Idempotent };
        let attempt = |_| async {
            let response = send(self.request(&ask)?).await?;
            let body = read(response, self.max_reply_bytes).await?;
            String::from_utf8(body.into()).map_err(|_| HttpFault::Body)
        };
        self.dependency.call(deadline, ask.effect, attempt).await
    }

    /// Sends `ask` and reads the reply as JSON.
    pub async fn json<B: Serialize, T: DeserializeOwned>(
        &self,
        deadline: Deadline,
        ask: &Ask<'_, B>,
    ) -> Result<T, CallError<HttpFault>> {
        self.json_weighing(deadline, ask, 0).await
    }

    /// The same for a request that also takes `tokens` of a model; [`Partner::weighed`] corrects the estimate.
    pub async fn json_weighing<B: Serialize, T: DeserializeOwned>(
        &self,
        deadline: Deadline,
        ask: &Ask<'_, B>,
        tokens: u32,
    ) -> Result<T, CallError<HttpFault>> {
        self.json_read(deadline, ask, tokens, Some).await
    }

    /// The same, and what `understand` makes of the reply. One that it makes nothing of is a fault like any other: it
    /// counts for the breaker, and may be asked for again.
    pub async fn json_read<B: Serialize, T: DeserializeOwned, U>(
        &self,
        deadline: Deadline,
        ask: &Ask<'_, B>,
        tokens: u32,
        understand: impl Fn(T) -> Option<U>,
    ) -> Result<U, CallError<HttpFault>> {
        let attempt = |_| async {
            let response = send(self.request(ask)?).await?;
            let body = read(response, self.max_reply_bytes).await?;
            serde_json::from_slice(&body).ok().and_then(&understand).ok_or(HttpFault::Body)
        };
        self.dependency.call_weighing(deadline, ask.effect, tokens, attempt).await
    }

    /// What a request really weighed.
    pub async fn weighed(&self, estimate: u32, actual: u32, deadline: Deadline) {
        self.dependency.weighed(estimate, actual, deadline).await;
    }

    /// Sends `ask`, which takes `tokens` of a model, and hands over what `pieces` reads from the reply as it comes, until
    /// `until`. See [`Dependency::call_streaming`].
    pub async fn stream<B, T, S>(
        &self,
        (deadline, until): (Deadline, Deadline),
        ask: &Ask<'_, B>,
        tokens: u32,
        pieces: impl Fn(BoxStream<'static, Result<Bytes, HttpFault>>) -> S,
    ) -> Result<Pieces<T, HttpFault>, CallError<HttpFault>>
    where
        B: Serialize,
        T: Send + 'static,
        S: Stream<Item = Result<T, HttpFault>> + Send + Unpin + 'static,
    {
        let attempt = |_| async {
            let response = send(self.request(ask)?).await?;
            Ok(pieces(response.bytes_stream().map_err(|_| HttpFault::Transport).boxed()))
        };
        self.dependency.call_streaming(deadline, until, ask.effect, tokens, attempt).await
    }

    fn request<B: Serialize>(&self, ask: &Ask<'_, B>) -> Result<RequestBuilder, HttpFault> {
        let url = self.base.join(ask.path.trim_start_matches('/')).map_err(|_| HttpFault::Transport)?;
        let mut request = self.client.request(ask.method.clone(), url);
        for (name, secret) in &ask.headers {
            request = request.header(*name, secret.expose_secret());
        }
        Ok(match ask.body {
            Payload::Nothing => request,
            Payload::Json(body) => request.json(body),
            Payload::Form(body) => request.form(body),
        })
    }
}

impl Classify for HttpFault {
    fn verdict(&self) -> Verdict {
        match self {
            // 529 is Anthropic's "overloaded".
            Self::Status { status: 429 | 529, retry_after } => Verdict::Limited(*retry_after),
            // 432 and 433 are Tavily's: the plan, or what was paid for, is used up.
            Self::Status { status: 432 | 433, .. } => Verdict::Exhausted,
            Self::Status { status: 503, retry_after: Some(after) } => Verdict::Limited(Some(*after)),
            Self::Status { status: 400..=499, .. } => Verdict::Ignored,
            Self::Status { .. } | Self::Transport | Self::Body => Verdict::Fault,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this and the next build all HTTP clients, with limits")]
fn builder(policy: &crate::policy::Policy) -> ClientBuilder {
    Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(policy.http.connect)
        .pool_max_idle_per_host(policy.http.keep_alive_per_host)
        .pool_idle_timeout(policy.http.idle)
        .user_agent(concat!("navigator/", env!("CARGO_PKG_VERSION")))
}

#[expect(clippy::disallowed_methods, reason = "as above")]
fn built(client: ClientBuilder) -> reqwest::Result<Client> {
    client.build()
}

async fn send(request: RequestBuilder) -> Result<Response, HttpFault> {
    let response = request.send().await.map_err(|_| HttpFault::Transport)?;
    let status = response.status();
    if status.is_success() {
        Ok(response)
    } else {
        // Elsewhere the headers do not mean "later".
        let means_later = matches!(status.as_u16(), 429 | 503 | 529);
        let asked = || pause::asked(response.headers(), crate::clock::unix_ms());
        Err(HttpFault::Status { status: status.as_u16(), retry_after: means_later.then(asked).flatten() })
    }
}

async fn read(response: Response, limit: usize) -> Result<Bytes, HttpFault> {
    let mut pieces = response.bytes_stream();
    let mut body = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.map_err(|_| HttpFault::Transport)?);
        if body.len() > limit {
            return Err(HttpFault::Body);
        }
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_says_what_it_says() {
        let verdict = |status, retry_after| HttpFault::Status { status, retry_after }.verdict();
        let asked = Some(Duration::from_secs(3));
        for status in [429, 529] {
            assert_eq!(verdict(status, asked), Verdict::Limited(asked));
            assert_eq!(verdict(status, None), Verdict::Limited(None));
        }
        assert_eq!((verdict(503, asked), verdict(503, None)), (Verdict::Limited(asked), Verdict::Fault));
        assert_eq!((verdict(432, None), verdict(433, None)), (Verdict::Exhausted, Verdict::Exhausted));
        assert_eq!((verdict(400, None), verdict(401, None)), (Verdict::Ignored, Verdict::Ignored));
        assert_eq!((verdict(500, None), verdict(504, None)), (Verdict::Fault, Verdict::Fault));
    }
}
