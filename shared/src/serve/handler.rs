//! The way of a request through any function.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::{HeaderName, HeaderValue, Method, header};
use lambda_http::{Body, Request, RequestExt};
use tracing::{Instrument, info_span};

use super::{
    Call, Function, Reply, ReplyBody, Route,
    edge::{Edge, STORE_SPENT},
    route,
    status::{self, HEALTH, STATUS},
};
use crate::{
    context::{self, Criticality},
    core::Core,
    gate::{Gate, Permit},
    metrics::Sample,
    policy::Policy,
    principal::Auth,
    problem::{Code, Problem},
};

/// Serves one function. Clones share it, as Managed Instances require.
#[derive(Debug)]
pub struct Server<F>(Arc<Inner<F>>);

#[derive(Debug)]
struct Inner<F> {
    function: F,
    core: Core,
    gate: Arc<Gate>,
    auth: Auth,
    cors_origin: Option<String>,
}

impl<F> Clone for Server<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Function> Server<F> {
    /// `cors_origin` is what browsers may call from; absent: none.
    pub fn new(function: F, core: Core, auth: Auth, cors_origin: Option<String>) -> Self {
        let gate = core.gate(F::NAME);
        Self(Arc::new(Inner { function, core, gate, auth, cors_origin }))
    }

    pub(super) fn function(&self) -> &F {
        &self.0.function
    }

    pub(super) fn policy(&self) -> Arc<Policy> {
        self.0.core.policy()
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// The numbers of gate, dependencies and pools.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let mut samples = self.0.core.samples(F::NAME);
        samples.extend(self.function().pools());
        samples
    }

    /// Answers one request; every outcome has an answer.
    pub async fn answer(self, request: Request) -> Reply {
        let edge = Edge::of(&request);
        let span = info_span!("request", function = F::NAME, request_id = %edge.request_id);
        let served = self.serve(&edge, request).instrument(span.clone());
        let caught = AssertUnwindSafe(served).catch_unwind().await.unwrap_or_else(|_| Err(Problem::internal()));
        let mut reply = caught.unwrap_or_else(|problem| {
            span.in_scope(|| log(&problem));
            Reply::problem(&problem, edge.paths.first().map_or("", String::as_str), &edge.request_id)
        });
        self.mark(&mut reply, &edge);
        reply
    }

    async fn serve(&self, edge: &Edge, request: Request) -> Result<Reply, Problem> {
        if request.method() == Method::OPTIONS && self.0.cors_origin.is_some() {
            return Ok(Reply::empty(http::StatusCode::NO_CONTENT));
        }
        let own = F::ROUTES.iter().chain([&HEALTH, &STATUS]);
        let (route, params) = route::resolve(&own, request.method(), &edge.paths)?;
        let context = edge.context(self.criticality(route), &self.policy());
        let allowance = context.store.clone();
        let mut reply = context.run(self.dispatch(edge, route, params, request)).await?;
        if edge.is_inner() {
            reply.set(HeaderName::from_static(STORE_SPENT), &allowance.spent().as_micros().to_string());
        }
        Ok(reply)
    }

    async fn dispatch(
        &self,
        edge: &Edge,
        route: &Route,
        params: Vec<String>,
        request: Request,
    ) -> Result<Reply, Problem> {
        match *route {
            HEALTH => status::health(self.function(), &self.0.core, edge).await,
            STATUS => status::status(self.function(), &self.0.core).await,
            _ => self.admit(edge, route, params, request).await,
        }
    }

    /// What tells whether a function works must come through when little else does.
    fn criticality(&self, route: &Route) -> Criticality {
        if [HEALTH, STATUS].contains(route) { Criticality::Critical } else { self.function().criticality(route) }
    }

    async fn admit(&self, edge: &Edge, route: &Route, params: Vec<String>, request: Request) -> Result<Reply, Problem> {
        let policy = &*self.policy();
        let budget = self.function().budget(route, policy).unwrap_or(policy.function(F::NAME).budget);
        let call = Call {
            method: route.method,
            route: route.pattern,
            params: params.iter().map(|param| percent_decoded(param)).collect::<Result<_, _>>()?,
            query: request
                .query_string_parameters()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            headers: request.headers().clone(),
            deadline: edge.deadline(budget, policy),
            stream_deadline: edge.stream_deadline(policy.service.stream, policy),
            principal: edge.principal(self.0.auth)?,
            request_id: edge.request_id.clone(),
            traceparent: edge.traceparent.clone(),
            body: bounded(request.into_body(), route.max_body_bytes.unwrap_or(policy.service.max_body_bytes))?,
        };
        let deadline = call.deadline;
        let permit = self.gate().enter(deadline).await?;
        let reply = deadline.bound(F::NAME, Box::pin(self.function().handle(call))).await??;
        Ok(hold(reply, permit))
    }

    /// Puts the request's identity on its answer.
    fn mark(&self, reply: &mut Reply, edge: &Edge) {
        reply.set(HeaderName::from_static("x-request-id"), &edge.request_id);
        if let Some(traceparent) = &edge.traceparent {
            reply.set(HeaderName::from_static("traceparent"), traceparent);
        }
        reply.headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if let Some(origin) = &self.0.cors_origin {
            reply.set(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            reply.set(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE, OPTIONS");
            reply.set(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, x-api-key, x-request-id, x-timeout-ms, traceparent",
            );
            reply.set(header::VARY, "origin");
        }
    }
}

/// A streamed reply keeps its place in the gate, and its context, until its last piece.
fn hold(reply: Reply, permit: Permit) -> Reply {
    let ReplyBody::Pieces(mut pieces) = reply.body else { return reply };
    let context = context::current();
    let held = stream::poll_fn(move |task| {
        let _permit = &permit;
        context.run_now(|| pieces.as_mut().poll_next(task))
    });
    Reply { body: ReplyBody::Pieces(Box::pin(held)), ..reply }
}

fn bounded(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let bytes = match body {
        Body::Text(text) => Bytes::from(text),
        Body::Binary(bytes) => Bytes::from(bytes),
        _ => Bytes::new(),
    };
    if bytes.len() > limit { Err(Problem::too_large("body", limit, "bytes")) } else { Ok(bytes) }
}

fn percent_decoded(param: &str) -> Result<String, Problem> {
    let decoded = percent_encoding::percent_decode_str(param).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| Problem::invalid("path", "is not valid UTF-8"))
}

/// One line for each failure. Refusals that are the client's are not failures.
fn log(problem: &Problem) {
    let (code, dependency) = (problem.code.label(), problem.dependency.as_deref());
    match problem.code {
        Code::Internal => tracing::error!(code, "request failed"),
        Code::DependencyUnavailable | Code::DeadlineExceeded | Code::Overloaded => {
            tracing::warn!(code, dependency, "request not served");
        }
        _ => tracing::debug!(code, "request refused"),
    }
}
