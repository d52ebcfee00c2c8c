//! The edge: what a request is allowed to say about itself.
//!
//! A client may set its request id, its trace and a *shorter* timeout. Principal, deadline, criticality and store
//! allowance of a call between functions travel in the event's `requestContext.authorizer`, where no client can write.

use std::time::Duration;

use http::HeaderMap;
use lambda_http::{
    Request, RequestExt, aws_lambda_events::apigw::ApiGatewayProxyRequestContext,
    request::RequestContext as EventContext,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock,
    context::{Criticality, RequestContext},
    deadline::{Deadline, Travelling},
    policy::Policy,
    principal::{Auth, Principal},
    problem::Problem,
};

/// The key under `requestContext.authorizer` that calls between functions use; its value is JSON text.
pub const INNER_CALL: &str = "navigator";

/// The header in which a function tells its caller what it spent of the store allowance, in microseconds.
pub const STORE_SPENT: &str = "x-store-spent-us";

/// What one function tells another about a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InnerCall {
    /// Who asks.
    #[serde(flatten)]
    pub principal: Principal,
    /// When the answer must be there.
    #[serde(flatten)]
    pub deadline: Travelling,
    /// How critical it is.
    #[serde(default)]
    pub criticality: Criticality,
    /// What is left of its allowance for the control table, in milliseconds; absent: all of it.
    pub store_ms: Option<u64>,
}

/// A request's identity, as far as the edge can tell.
pub(super) struct Edge {
    pub(super) request_id: String,
    pub(super) traceparent: Option<String>,
    context: Option<ApiGatewayProxyRequestContext>,
    inner: Option<InnerCall>,
    timeout: Option<Duration>,
    lambda_left: Option<Duration>,
    pub(super) paths: Vec<String>,
}

impl Edge {
    pub(super) fn of(request: &Request) -> Self {
        let context = match request.request_context_ref() {
            Some(EventContext::ApiGatewayV1(context)) => Some(context.clone()),
            _ => None,
        };
        let headers = request.headers();
        let lambda_deadline = request.lambda_context_ref().map(|context| context.deadline).filter(|at| *at > 0);
        Self {
            request_id: header(headers, "x-request-id", is_token).unwrap_or_else(|| Uuid::new_v4().to_string()),
            traceparent: header(headers, "traceparent", is_traceparent),
            inner: context.as_ref().and_then(inner_call),
            timeout: header(headers, "x-timeout-ms", is_number)
                .and_then(|ms| ms.parse().ok())
                .map(Duration::from_millis),
            lambda_left: lambda_deadline.map(|at| Duration::from_millis(at.saturating_sub(clock::unix_ms()))),
            paths: candidate_paths(request, context.as_ref()),
            context,
        }
    }

    pub(super) fn principal(&self, auth: Auth) -> Result<Principal, Problem> {
        match &self.inner {
            Some(inner) => Ok(inner.principal.clone()),
            None => auth.identify(self.context.as_ref()),
        }
    }

    /// `min(budget, Lambda's remaining time − margin, what the caller allows)`.
    pub(super) fn deadline(&self, budget: Duration, policy: &Policy) -> Deadline {
        let mut deadline = self.stream_deadline(budget, policy);
        if let Some(timeout) = self.timeout {
            deadline = deadline.or_sooner(Deadline::within(timeout));
        }
        match &self.inner {
            Some(inner) => deadline.or_sooner(inner.deadline.arrived()),
            None => deadline,
        }
    }

    /// The same without what the client allows: a client's timeout is about the first byte.
    pub(super) fn stream_deadline(&self, budget: Duration, policy: &Policy) -> Deadline {
        let lambda = self.lambda_left.map(|left| left.saturating_sub(policy.service.lambda_margin));
        Deadline::within(lambda.map_or(budget, |left| left.min(budget)))
    }

    /// Whether another function asks, and not a client.
    pub(super) fn is_inner(&self) -> bool {
        self.inner.is_some()
    }

    /// The context of a request that is of the class `usual` when it comes from outside. What a caller has left for the
    /// control table can only be less than the policy's.
    pub(super) fn context(&self, usual: Criticality, policy: &Policy) -> RequestContext {
        let whole = policy.service.store_allowance;
        match &self.inner {
            Some(inner) => {
                let left = inner.store_ms.map_or(whole, Duration::from_millis);
                RequestContext::new(inner.criticality, left.min(whole))
            }
            None => RequestContext::new(usual, whole),
        }
    }
}

fn inner_call(context: &ApiGatewayProxyRequestContext) -> Option<InnerCall> {
    serde_json::from_str(context.authorizer.fields.get(INNER_CALL)?.as_str()?).ok()
}

/// The path as sent, without the stage, below a `{proxy+}` resource, as the matched resource names it, and of the URL.
fn candidate_paths(request: &Request, context: Option<&ApiGatewayProxyRequestContext>) -> Vec<String> {
    let raw = request.raw_http_path().to_owned();
    let parameters = request.path_parameters();
    let stage = context.and_then(|context| context.stage.as_deref()).unwrap_or_default();
    let unstaged = raw.strip_prefix(&format!("/{stage}/")).map(|rest| format!("/{rest}"));
    let proxied = parameters.first("proxy").map(|rest| format!("/{}", rest.trim_start_matches('/')));
    let resource = context.and_then(|context| context.resource_path.clone()).filter(|path| !path.contains("{proxy"));
    let resource = resource
        .map(|path| parameters.iter().fold(path, |path, (name, value)| path.replace(&format!("{{{name}}}"), value)));
    let plain = request.uri().path().to_owned();
    [Some(raw), unstaged, proxied, resource, Some(plain)]
        .into_iter()
        .flatten()
        .filter(|path| !path.is_empty())
        .collect()
}

fn header(headers: &HeaderMap, name: &str, accept: fn(&str) -> bool) -> Option<String> {
    headers.get(name)?.to_str().ok().filter(|value| accept(value)).map(str::to_owned)
}

fn is_token(value: &str) -> bool {
    (1..=128).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// W3C Trace Context, version 00: `00-<32 hex>-<16 hex>-<2 hex>`.
fn is_traceparent(value: &str) -> bool {
    let lengths = [2, 32, 16, 2];
    let parts: Vec<_> = value.split('-').collect();
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_number(value: &str) -> bool {
    (1..=9).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
}
