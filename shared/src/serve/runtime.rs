//! From `main` to the Lambda Runtime API, and back out on SIGTERM.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use lambda_http::{Body, Error, Request, Response, service_fn};

use super::{Function, Reply, ReplyBody, Server, measured::Measured};
use crate::{
    core::Core,
    deadline::Deadline,
    metrics::Metrics,
    policy::{PolicyError, live::Live},
    principal::Auth,
    telemetry,
};

/// How replies leave the process; one mode for all routes of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// Whole.
    Buffered,
    /// As they come (API Gateway's `RESPONSE_STREAM`).
    Streamed,
}

/// Why a function did not start. Names the variable or file at fault.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The policy was refused.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// An environment variable has a bad value.
    #[error("{0}")]
    Variable(String),
    /// The Lambda runtime stopped.
    #[error("the Lambda runtime stopped: {0}")]
    Runtime(Error),
}

impl ResponseMode {
    /// Reads `RESPONSE_MODE`; buffered unless it says `stream`.
    pub fn from_env() -> Result<Self, StartError> {
        match std::env::var("RESPONSE_MODE").as_deref() {
            Ok("stream") => Ok(Self::Streamed),
            Ok("buffered" | "") | Err(_) => Ok(Self::Buffered),
            Ok(_) => Err(StartError::Variable("RESPONSE_MODE: expected buffered or stream".to_owned())),
        }
    }
}

/// Starts `function` under the Lambda runtime and serves until SIGTERM.
pub async fn run<F, E>(mode: ResponseMode, build: impl AsyncFnOnce(Core) -> Result<F, E>) -> Result<(), StartError>
where
    F: Function,
    StartError: From<E>,
{
    telemetry::init();
    let core = Core::from_env().await?;
    let live = Live::from_env(&core).await.map_err(StartError::Variable)?;
    let function = build(core.clone()).await?;
    let auth = Auth::from_env().map_err(StartError::Variable)?;
    let cors_origin = std::env::var("CORS_ORIGIN").ok().filter(|origin| !origin.is_empty());
    let metrics = Metrics::from_env(F::NAME).map_err(StartError::Variable)?;
    let measured = Measured::new(Server::new(function, core, auth, cors_origin), metrics);
    Box::pin(measured.server.function().warm_up()).await;
    lambda_runtime::spawn_graceful_shutdown_handler(shutdown(measured.clone())).await;
    tokio::select! {
        served = Box::pin(serve(mode, measured)) => served.map_err(StartError::Runtime),
        never = Box::pin(live.follow()) => match never {},
    }
}

async fn serve<F: Function>(mode: ResponseMode, measured: Measured<F>) -> Result<(), Error> {
    match mode {
        ResponseMode::Buffered => {
            let answer = move |request: Request| buffered(measured.clone(), request);
            lambda_http::run_concurrent(service_fn(answer)).await
        }
        ResponseMode::Streamed => {
            let answer = move |request: Request| streamed(measured.clone(), request);
            lambda_http::run_with_streaming_response_concurrent(service_fn(answer)).await
        }
    }
}

async fn buffered<F: Function>(measured: Measured<F>, request: Request) -> Result<Response<Body>, Error> {
    let _invocation = measured.invocation();
    let Reply { status, headers, body } = Box::pin(measured.server.answer(request)).await;
    let bytes = body.collect().await;
    // Text travels as it is, anything else as base64.
    let body = String::from_utf8(bytes.into()).map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text);
    let mut response = Response::new(body);
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

async fn streamed<F: Function>(
    measured: Measured<F>,
    request: Request,
) -> Result<Response<UnsyncBoxBody<Bytes, Error>>, Error> {
    let invocation = measured.invocation();
    let Reply { status, headers, body } = Box::pin(measured.server.answer(request)).await;
    let pieces = match body {
        ReplyBody::Whole(bytes) => futures_util::stream::once(std::future::ready(bytes)).boxed(),
        ReplyBody::Pieces(pieces) => pieces,
    };
    let pieces = invocation.streams(pieces);
    let body = StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece)))).boxed_unsync();
    let mut response = Response::new(body);
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

/// Lets what is in flight end, then closes the pools. The process exits when this returns.
fn shutdown<F: Function>(
    measured: Measured<F>,
) -> impl FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + 'static {
    move || {
        Box::pin(async move {
            let server = &measured.server;
            let deadline = Deadline::within(server.policy().service.drain);
            let drained = server.gate().drained(deadline).await;
            tracing::info!(drained, "shutting down");
            measured.flush();
            server.function().close().await;
        })
    }
}
