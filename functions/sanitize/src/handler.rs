//! HTTP ↔ domain: `POST /v1/sanitize`.

use std::time::Duration;

use serde_json::json;
use shared::{
    contract::sanitize::{SanitizeReply, SanitizeRequest},
    deadline::Deadline,
    dynamo::ControlTable,
    gate::Gate,
    phi::Vault,
    problem::Problem,
    serve::{Call, Function, Reply, Route},
};

use crate::{error::RequestError, review};

/// A vault travels beside the text: more than the policy's body, still bounded.
const SANITIZE: Route = Route { method: "POST", pattern: "/v1/sanitize", max_body_bytes: Some(256 * 1024) };

/// Most characters in one text.
const MAX_CHARS: usize = 16_000;

/// The function.
#[derive(Debug)]
pub struct Sanitize {
    gate: Gate,
    control: Option<ControlTable>,
    /// What all rules together may take; the reply says when they took longer.
    heuristics: Duration,
}

impl Sanitize {
    /// The function with its parts.
    pub fn new(gate: Gate, control: Option<ControlTable>, heuristics: Duration) -> Self {
        Self { gate, control, heuristics }
    }

    /// Runs on the caller's thread: under a millisecond for a message, and the text is bounded, so handing it to a
    /// pool would cost more than it takes.
    fn sanitize(&self, request: SanitizeRequest) -> Result<SanitizeReply, RequestError> {
        if request.text.chars().nth(MAX_CHARS).is_some() {
            return Err(RequestError::TooLong(MAX_CHARS));
        }
        let asked_for_vault = request.vault.is_some();
        let mut vault = request.vault.map_or_else(|| Ok(Vault::new()), Vault::from_map)?;
        let reply = review::review(&request.text, request.direction, &mut vault, self.heuristics);
        Ok(SanitizeReply { vault: asked_for_vault.then(|| vault.to_map()), ..reply })
    }
}

impl Function for Sanitize {
    const NAME: &'static str = "sanitize";
    const ROUTES: &'static [Route] = &[SANITIZE];

    fn gate(&self) -> &Gate {
        &self.gate
    }

    async fn handle(&self, call: Call) -> Result<Reply, Problem> {
        Reply::ok(&self.sanitize(call.json()?)?)
    }

    async fn missing(&self, deadline: Deadline) -> Vec<String> {
        ControlTable::missing(self.control.as_ref(), deadline).await.into_iter().collect()
    }

    fn status(&self) -> serde_json::Value {
        let control = self.control.as_ref().map(ControlTable::status);
        json!({ "gate": self.gate.status(), "dependencies": control.into_iter().collect::<Vec<_>>() })
    }

    async fn warm_up(&self) {
        review::warm_up();
    }
}
