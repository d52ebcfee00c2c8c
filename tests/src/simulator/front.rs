//! The way of a request to a provider: note it, take the fault that hits it, answer, deliver.

use std::sync::Arc;

use axum::{
    body::{self, Body},
    extract::{ConnectInfo, Request, State},
    http::{Response, StatusCode},
    response::IntoResponse,
};

use super::{
    connection::Line,
    delivery::deliver,
    fault::{Effect, Fault, Faults},
    journal::{InFlight, Journal},
    provider::Provider,
    received::Received,
    reply::Reply,
};

const MAX_REQUEST_BODY: usize = 4 * 1024 * 1024;

/// All providers.
#[derive(Debug, Default)]
pub(super) struct Front {
    openai: Desk,
    embeddings: Desk,
    rerank: Desk,
    tavily: Desk,
    libretranslate: Desk,
    apertium: Desk,
}

/// What the simulator keeps for one provider.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) faults: Faults,
    pub(super) journal: Arc<Journal>,
}

impl Front {
    pub(super) fn desk(&self, provider: Provider) -> &Desk {
        match provider {
            Provider::OpenAi => &self.openai,
            Provider::Embeddings => &self.embeddings,
            Provider::Rerank => &self.rerank,
            Provider::Tavily => &self.tavily,
            Provider::LibreTranslate => &self.libretranslate,
            Provider::Apertium => &self.apertium,
        }
    }

    pub(super) fn forget(&self) {
        for provider in Provider::ALL {
            self.desk(provider).journal.forget();
        }
    }
}

/// Serves everything below the providers' base paths.
pub(super) async fn serve(
    State(front): State<Arc<Front>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some((provider, path)) = Provider::route(parts.uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let desk = front.desk(provider);
    line.serves(&desk.journal);
    let Ok(body) = body::to_bytes(body, MAX_REQUEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let received = Received::new(&parts, path, &body);
    let in_flight = desk.journal.record(received.clone());
    match desk.faults.take() {
        None => deliver(provider.answer(&received), &Effect::Healthy, in_flight),
        Some(fault) => suffer(provider, &received, &fault, &line, in_flight).await,
    }
}

async fn suffer(
    provider: Provider,
    received: &Received,
    fault: &Fault,
    line: &Line,
    in_flight: InFlight,
) -> Response<Body> {
    tokio::time::sleep(fault.wait()).await;
    match &fault.effect {
        Effect::Stall => std::future::pending().await,
        Effect::Cut => line.cut(),
        _ => {}
    }
    let reply = match &fault.effect {
        Effect::Status { code, retry_after } => refusal(provider, *code, *retry_after),
        Effect::Nonsense => provider.nonsense(received),
        _ => provider.answer(received),
    };
    deliver(reply, &fault.effect, in_flight)
}

fn refusal(provider: Provider, code: u16, retry_after: Option<u64>) -> Reply {
    let mut reply = provider.error(code, "a fault on command");
    reply.retry_after = retry_after;
    reply
}
