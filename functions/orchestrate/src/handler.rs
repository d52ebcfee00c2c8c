//! HTTP to chat and back.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use shared::{
    contract::chat::ChatRequest,
    core::Core,
    deadline::Deadline,
    policy::Policy,
    problem::Problem,
    serve::{Call, Function, Reply, Route},
};

use crate::{chat, compose, config::Config, deliver::Delivery, health::HealthCache, request::Question, sse};

const CHAT: &str = "/v1/chat";
const OPENAPI: &str = "/openapi.json";
const OPENAPI_DOCUMENT: &str = include_str!("../../../infra/openapi.json");

/// The orchestrate function.
#[derive(Debug)]
pub struct Orchestrate {
    config: Arc<Config>,
    core: Core,
    health: HealthCache,
}

impl Orchestrate {
    /// The function with its peers and providers.
    pub fn new(config: Config, core: Core) -> Self {
        Self { config: Arc::new(config), core, health: HealthCache::default() }
    }

    async fn chat(&self, call: Call) -> Result<Reply, Problem> {
        let question = Question::check(call.json::<ChatRequest>()?)?;
        let stream = question.stream;
        let policy = self.core.policy();
        let gathered = chat::gather(&self.config, &policy, call, question).await?;
        if stream {
            return Ok(sse::reply(self.config.clone(), policy, gathered));
        }
        self.whole(&policy, gathered).await
    }

    async fn whole(&self, policy: &Policy, mut gathered: chat::Gathered) -> Result<Reply, Problem> {
        let limits = &policy.orchestrate;
        let reserved = limits.reserved.for_the_answer();
        let deadline = gathered.call.deadline;
        let started = shared::clock::now();
        let composing =
            compose::compose(self.config.model.as_ref(), deadline.stage(limits.compose, reserved), gathered.task());
        let (answer, degraded) = composing.await;
        gathered.timings.add("compose", started.elapsed());
        gathered.degraded.extend(degraded);
        let (answer, sources) = answer.numbered(&gathered.sources);
        let mut delivery = Delivery::new(gathered);
        delivery.add(&self.config, policy, deadline, answer.sentences, &sources).await?;
        Reply::ok(&delivery.into_reply(answer.usage))
    }
}

impl Function for Orchestrate {
    const NAME: &'static str = "orchestrate";
    const ROUTES: &'static [Route] = &[Route::post(CHAT), Route::get(OPENAPI)];

    async fn handle(&self, call: Call) -> Result<Reply, Problem> {
        match call.route {
            OPENAPI => {
                Ok(Reply::whole(StatusCode::OK, "application/json", Bytes::from_static(OPENAPI_DOCUMENT.as_bytes())))
            }
            _ => self.chat(call).await,
        }
    }

    async fn missing(&self, deadline: Deadline) -> Vec<String> {
        self.health.missing(&self.config, &self.core.policy(), deadline).await
    }
}
