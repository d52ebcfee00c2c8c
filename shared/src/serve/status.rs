//! `/v1/health` and `/v1/status`, which every function has. They pass no gate: they must answer under load.

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{Function, Reply, Route};
use crate::{contract::Health, deadline::Deadline, policy::Policy, problem::Problem};

pub(super) const HEALTH: Route = Route::get("/v1/health");
pub(super) const STATUS: Route = Route::get("/v1/status");

/// What is missing, or nothing.
pub(super) async fn health<F: Function>(function: &F, policy: &Policy) -> Result<Reply, Problem> {
    let missing = function.missing(Deadline::within(policy.service.health)).await;
    Reply::ok(&Health::with_missing(missing))
}

/// Gates, dependencies and pools as this process sees them, and how many tasks it runs.
pub(super) fn status<F: Function>(function: &F) -> Result<Reply, Problem> {
    let mut status = json!({
        "function": F::NAME,
        "version": env!("CARGO_PKG_VERSION"),
        "gate": function.gate().status(),
        "tasks": Handle::current().metrics().num_alive_tasks(),
    });
    if let (Value::Object(all), Value::Object(own)) = (&mut status, function.status()) {
        all.extend(own);
    }
    Reply::ok(&status)
}
