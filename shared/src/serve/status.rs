//! `/v1/health` and `/v1/status`, which every function has. They pass no gate: they must answer under load.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{Function, Reply, Route, edge::Edge};
use crate::{contract::Health, control, core::Core, deadline::Deadline, problem::Problem};

pub(super) const HEALTH: Route = Route::get("/v1/health");
pub(super) const STATUS: Route = Route::get("/v1/status");

/// Left for the way back, so that a function behind another one answers before that one gives up.
const HOP: Duration = Duration::from_millis(50);

/// What is missing, or nothing.
pub(super) async fn health<F: Function>(function: &F, core: &Core, edge: &Edge) -> Result<Reply, Problem> {
    let policy = core.policy();
    let ceiling = policy.service.health;
    let deadline = edge.deadline(ceiling, &policy).stage(ceiling, HOP);
    let (mut missing, table) = tokio::join!(function.missing(deadline), control::missing(core, deadline));
    missing.extend(table);
    Reply::ok(&Health::with_missing(missing))
}

/// Gates, dependencies and pools as this process sees them, and how many tasks it runs. Breakers and limiters are the
/// fleet's, as far as the control table says so within the request's allowance.
pub(super) async fn status<F: Function>(function: &F, core: &Core) -> Result<Reply, Problem> {
    core.look(Deadline::within(core.policy().service.store_allowance)).await;
    let mut status = json!({
        "function": F::NAME,
        "version": env!("CARGO_PKG_VERSION"),
        "policy": core.policy_status(),
        "gate": core.gate(F::NAME).status(),
        "dependencies": core.status(),
        "tasks": Handle::current().metrics().num_alive_tasks(),
    });
    if let (Value::Object(all), Value::Object(own)) = (&mut status, function.status()) {
        all.extend(own);
    }
    Reply::ok(&status)
}
