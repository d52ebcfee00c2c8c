//! The routes by which a test in another process commands the simulator.
//!
//! | route | what |
//! |---|---|
//! | `PUT` · `DELETE /_faults/{provider}` | sets ([`Fault`]) · clears the provider's fault |
//! | `GET /_journal/{provider}` | `{counters, requests}` |
//! | `DELETE /_journal` | forgets the requests of all providers |

use std::{io, net::TcpListener, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{delete, get, put},
};
use serde::Serialize;
use tokio::runtime::Runtime;

use super::{
    connection::{Doorway, Line},
    fault::Fault,
    front::{self, Front},
    journal::Counters,
    provider::Provider,
    received::Received,
};

type Refusal = (StatusCode, String);

/// Serves on `listener` for as long as `runtime` lives.
#[expect(clippy::disallowed_methods, reason = "the runtime is the simulator's own, and ends with it")]
pub(super) fn listen(runtime: &Runtime, listener: TcpListener, front: &Arc<Front>) -> io::Result<()> {
    let context = runtime.enter();
    let doorway = Doorway::new(tokio::net::TcpListener::from_std(listener)?);
    drop(context);
    let service = routes(Arc::clone(front)).into_make_service_with_connect_info::<Line>();
    runtime.spawn(async move { axum::serve(doorway, service).await });
    Ok(())
}

fn routes(front: Arc<Front>) -> Router {
    Router::new()
        .route("/_faults/{provider}", put(set_fault).delete(clear_fault))
        .route("/_journal/{provider}", get(read_journal))
        .route("/_journal", delete(forget))
        .fallback(front::serve)
        .with_state(front)
}

async fn set_fault(
    State(front): State<Arc<Front>>,
    Path(provider): Path<String>,
    Json(fault): Json<Fault>,
) -> Result<StatusCode, Refusal> {
    front.desk(named(&provider)?).faults.set(fault);
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_fault(State(front): State<Arc<Front>>, Path(provider): Path<String>) -> Result<StatusCode, Refusal> {
    front.desk(named(&provider)?).faults.clear();
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize)]
struct Report {
    counters: Counters,
    requests: Vec<Received>,
}

async fn read_journal(State(front): State<Arc<Front>>, Path(provider): Path<String>) -> Result<Json<Report>, Refusal> {
    let journal = &front.desk(named(&provider)?).journal;
    Ok(Json(Report { counters: journal.counters(), requests: journal.entries() }))
}

async fn forget(State(front): State<Arc<Front>>) -> StatusCode {
    front.forget();
    StatusCode::NO_CONTENT
}

fn named(name: &str) -> Result<Provider, Refusal> {
    name.parse().map_err(|reason| (StatusCode::NOT_FOUND, reason))
}
