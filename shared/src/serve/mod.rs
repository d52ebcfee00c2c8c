//! One start-up and one way of serving for all five functions.
//!
//! A function says what it is ([`Function`]); everything around it happens here, in this order: identity and
//! deadline at the edge, route, context, size, gate, handler under the deadline, one answer for each outcome, one log
//! line for each failure.

mod call;
mod edge;
mod handler;
mod measured;
mod reply;
mod route;
mod runtime;
mod status;
#[cfg(test)]
mod tests;

use std::{future::Future, time::Duration};

pub use call::Call;
pub use edge::{INNER_CALL, InnerCall, STORE_SPENT};
pub use handler::Server;
pub use reply::{Reply, ReplyBody};
pub use route::Route;
pub use runtime::{ResponseMode, StartError, run};

use crate::{context::Criticality, deadline::Deadline, metrics::Sample, policy::Policy, problem::Problem};

/// What makes one of the five functions: its routes, its gate, and what it does.
pub trait Function: Send + Sync + 'static {
    /// Its name in policy, logs and `Server-Timing`.
    const NAME: &'static str;
    /// Its own routes; `/v1/health` and `/v1/status` are added to them.
    const ROUTES: &'static [Route];

    /// Answers one request. The future is dropped at the deadline.
    fn handle(&self, call: Call) -> impl Future<Output = Result<Reply, Problem>> + Send;

    /// How long a route may take when that is not the function's budget.
    fn budget(&self, _route: &Route, _policy: &Policy) -> Option<Duration> {
        None
    }

    /// How critical a route's requests are when they come from outside. A peer's request brings its own.
    fn criticality(&self, _route: &Route) -> Criticality {
        Criticality::Default
    }

    /// What it needs and does not have, by the names of the policy.
    fn missing(&self, deadline: Deadline) -> impl Future<Output = Vec<String>> + Send;

    /// Its pools as this process sees them; gates and dependencies are reported for it.
    fn status(&self) -> serde_json::Value {
        serde_json::json!({})
    }

    /// The same pools' numbers for the metrics.
    fn pools(&self) -> Vec<Sample> {
        Vec::new()
    }

    /// What the first request should not have to pay for. Runs before the first one is accepted.
    fn warm_up(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Closes pools before the process ends.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}
