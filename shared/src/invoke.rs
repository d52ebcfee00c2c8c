//! Calls from one function to another: synchronous Lambda Invokes that carry an HTTP-shaped event, so that a
//! function has one form of input however it is reached.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_sdk_lambda::{Client, operation::invoke::InvokeError, primitives::Blob};
use base64::Engine;
use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    context::{self, RequestContext},
    core::Core,
    deadline::Deadline,
    dependency::{CallError, Classify, Dependency, Effect, Verdict},
    principal::Principal,
    serve::{Call, INNER_CALL, InnerCall, STORE_SPENT},
};

/// Another function of the bundle. Clones share client and limits.
#[derive(Clone, Debug)]
pub struct Peer {
    client: Client,
    /// The function's name or ARN.
    function: Arc<str>,
    dependency: Dependency,
}

/// On whose behalf a call is made.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The request's id.
    pub request_id: &'a str,
    /// W3C trace context.
    pub traceparent: Option<&'a str>,
}

impl<'a> Caller<'a> {
    /// Whoever made `call`.
    pub fn of(call: &'a Call) -> Self {
        Self { principal: &call.principal, request_id: &call.request_id, traceparent: call.traceparent.as_deref() }
    }
}

/// How a peer failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerFault {
    /// Lambda throttled the call, or the peer's gate refused it.
    #[error("overloaded")]
    Overloaded {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The peer refused the request or could not serve it; its `code`.
    #[error("answered {status} ({code})")]
    Refused {
        /// The status.
        status: u16,
        /// The problem's code; empty when there is none.
        code: String,
        /// The problem's sentence.
        detail: String,
        /// The missing dependency that it names ..
        dependency: Option<String>,
        /// .. and its word for why, such as `circuit_open`.
        reason: Option<String>,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The function crashed, timed out, or could not be reached.
    #[error("failed")]
    Failed,
    /// An answer that is not of the expected form.
    #[error("answered in an unexpected form")]
    Form,
}

impl Classify for PeerFault {
    fn verdict(&self) -> Verdict {
        match self {
            // It answered for itself: what it lacks is no fault of its own, and one full gate says nothing of the others.
            Self::Overloaded { .. } | Self::Refused { .. } => Verdict::Ignored,
            Self::Failed | Self::Form => Verdict::Fault,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyReply {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RefusalBody {
    code: String,
    detail: String,
    dependency: Option<String>,
    reason: Option<String>,
    retry_after_ms: Option<u64>,
}

impl Peer {
    /// The peer `name` (as in the policy) under the function name that `variable` holds.
    #[expect(clippy::disallowed_methods, reason = "every call of this client goes through the dependency beside it")]
    pub fn from_env(name: &'static str, variable: &str, core: &Core) -> Option<Self> {
        let function = std::env::var(variable).ok().filter(|function| !function.is_empty())?;
        Some(Self { client: Client::new(core.sdk()), function: function.into(), dependency: core.dependency(name) })
    }

    /// Posts `body` to the peer's route and reads its reply.
    pub async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        deadline: Deadline,
        caller: Caller<'_>,
        path: &str,
        body: &B,
    ) -> Result<T, CallError<PeerFault>> {
        let attempt = |deadline| self.attempt(deadline, caller, "POST", path, serde_json::to_string(body).ok());
        self.dependency.call(deadline, Effect::Once, attempt).await
    }

    /// Gets one of the peer's routes.
    pub async fn get<T: DeserializeOwned>(
        &self,
        deadline: Deadline,
        caller: Caller<'_>,
        path: &str,
    ) -> Result<T, CallError<PeerFault>> {
        let attempt = |deadline| self.attempt(deadline, caller, "GET", path, None);
        self.dependency.call(deadline, Effect::Idempotent, attempt).await
    }

    /// Its name in the policy.
    pub fn name(&self) -> &'static str {
        self.dependency.name()
    }

    async fn attempt<T: DeserializeOwned>(
        &self,
        deadline: Deadline,
        caller: Caller<'_>,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> Result<T, PeerFault> {
        let event =
            serde_json::to_vec(&event(deadline, caller, method, path, body.as_deref())).map_err(|_| PeerFault::Form)?;
        let invoke = self.client.invoke().function_name(&*self.function).payload(Blob::new(event));
        // The SDK's future is 20 KB: boxed, or every stage of a chat would carry it.
        let invoked = Box::pin(invoke.send()).await;
        let output = invoked.map_err(|error| {
            let throttled = error.as_service_error().is_some_and(InvokeError::is_too_many_requests_exception);
            if throttled { PeerFault::Overloaded { retry_after: None } } else { PeerFault::Failed }
        })?;
        if output.function_error().is_some() {
            return Err(PeerFault::Failed);
        }
        read(output.payload().map_or(&[][..], AsRef::as_ref))
    }
}

/// An API Gateway REST event. Principal, deadline and context sit where no client can write.
///
/// The peer gets what is left of the store allowance now; what it spent comes back with its reply.
fn event(deadline: Deadline, caller: Caller<'_>, method: &str, path: &str, body: Option<&str>) -> serde_json::Value {
    let deadline = deadline.travelling();
    let RequestContext { criticality, store } = context::current();
    let store_ms = u64::try_from(store.left().as_millis()).ok();
    let inner = InnerCall { principal: caller.principal.clone(), deadline, criticality, store_ms };
    let inner = serde_json::to_string(&inner).unwrap_or_default();
    let mut headers = json!({
        "content-type": "application/json",
        "x-request-id": caller.request_id,
        "x-timeout-ms": deadline.timeout_ms.to_string(),
        "x-deadline-ms": deadline.deadline_ms.to_string(),
    });
    if let Some(traceparent) = caller.traceparent {
        headers["traceparent"] = traceparent.into();
    }
    json!({
        "resource": path, "path": path, "httpMethod": method, "headers": headers, "multiValueHeaders": {},
        "queryStringParameters": {}, "multiValueQueryStringParameters": {}, "pathParameters": {}, "stageVariables": {},
        "requestContext": {
            "stage": "", "path": path, "resourcePath": path, "httpMethod": method, "requestId": caller.request_id,
            "requestTimeEpoch": 0, "identity": {}, "authorizer": { INNER_CALL: inner },
        },
        "body": body, "isBase64Encoded": false,
    })
}

fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, PeerFault> {
    let reply: ProxyReply = serde_json::from_slice(payload).map_err(|_| PeerFault::Form)?;
    if let Some(spent) = reply.headers.get(STORE_SPENT).and_then(|us| us.parse().ok()) {
        context::current().store.charge(Duration::from_micros(spent));
    }
    let body = reply.body.unwrap_or_default();
    let body = if reply.is_base64_encoded {
        base64::engine::general_purpose::STANDARD.decode(body).map_err(|_| PeerFault::Form)?
    } else {
        body.into_bytes()
    };
    match StatusCode::from_u16(reply.status_code) {
        Ok(status) if status.is_success() => serde_json::from_slice(&body).map_err(|_| PeerFault::Form),
        _ => Err(refusal(reply.status_code, serde_json::from_slice(&body).unwrap_or_default())),
    }
}

fn refusal(status: u16, body: RefusalBody) -> PeerFault {
    let RefusalBody { code, detail, dependency, reason, retry_after_ms } = body;
    let retry_after = retry_after_ms.map(Duration::from_millis);
    match status {
        429 => PeerFault::Overloaded { retry_after },
        _ => PeerFault::Refused { status, code, detail, dependency, reason, retry_after },
    }
}
