//! HTTP ↔ domain: `POST /v1/sanitize`.

use shared::{
    contract::sanitize::{SanitizeReply, SanitizeRequest},
    core::Core,
    deadline::Deadline,
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
    core: Core,
}

impl Sanitize {
    /// The function with its parts.
    pub fn new(core: Core) -> Self {
        Self { core }
    }

    /// Runs on the caller's thread: under a millisecond for a message, and the text is bounded, so handing it to a
    /// pool would cost more than it takes.
    fn sanitize(&self, request: SanitizeRequest) -> Result<SanitizeReply, RequestError> {
        if request.text.chars().nth(MAX_CHARS).is_some() {
            return Err(RequestError::TooLong(MAX_CHARS));
        }
        let asked_for_vault = request.vault.is_some();
        let mut vault = request.vault.map_or_else(|| Ok(Vault::new()), Vault::from_map)?;
        // What all rules together may take; the reply says when they took longer.
        let heuristics = self.core.policy().sanitize.heuristics;
        let reply = review::review(&request.text, request.direction, &mut vault, heuristics);
        Ok(SanitizeReply { vault: asked_for_vault.then(|| vault.to_map()), ..reply })
    }
}

impl Function for Sanitize {
    const NAME: &'static str = "sanitize";
    const ROUTES: &'static [Route] = &[SANITIZE];

    async fn handle(&self, call: Call) -> Result<Reply, Problem> {
        Reply::ok(&self.sanitize(call.json()?)?)
    }

    async fn missing(&self, _deadline: Deadline) -> Vec<String> {
        Vec::new()
    }

    async fn warm_up(&self) {
        review::warm_up();
    }
}
