//! HTTP to chat and back.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use shared::{
    contract::chat::ChatRequest,
    deadline::Deadline,
    gate::Gate,
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
    policy: Arc<Policy>,
    gate: Gate,
    health: HealthCache,
}

impl Orchestrate {
    /// With its gate sized by the policy.
    pub fn new(config: Config, policy: Arc<Policy>) -> Self {
        let gate = Gate::new(policy.gate(Self::NAME));
        Self { config: Arc::new(config), policy, gate, health: HealthCache::default() }
    }

    async fn chat(&self, call: Call) -> Result<Reply, Problem> {
        let question = Question::check(call.json::<ChatRequest>()?)?;
        let stream = question.stream;
        let gathered = chat::gather(&self.config, &self.policy, call, question).await?;
        if stream {
            return Ok(sse::reply(self.config.clone(), self.policy.clone(), gathered));
        }
        self.whole(gathered).await
    }

    async fn whole(&self, mut gathered: chat::Gathered) -> Result<Reply, Problem> {
        let limits = &self.policy.orchestrate;
        let reserved = limits.reserved.sanitize_answer + limits.reserved.translate_back;
        let deadline = gathered.call.deadline;
        let started = shared::clock::now();
        let composing =
            compose::compose(self.config.model.as_ref(), deadline.stage(limits.compose, reserved), gathered.task());
        let (answer, degraded) = composing.await;
        gathered.timings.add("compose", started.elapsed());
        gathered.degraded.extend(degraded);
        let (answer, sources) = answer.numbered(&gathered.sources);
        let mut delivery = Delivery::new(gathered);
        delivery.add(&self.config, &self.policy, deadline, answer.sentences, &sources).await?;
        Reply::ok(&delivery.into_reply(answer.usage))
    }
}

impl Function for Orchestrate {
    const NAME: &'static str = "orchestrate";
    const ROUTES: &'static [Route] = &[Route::post(CHAT), Route::get(OPENAPI)];

    fn gate(&self) -> &Gate {
        &self.gate
    }

    async fn handle(&self, call: Call) -> Result<Reply, Problem> {
        match call.route {
            OPENAPI => {
                Ok(Reply::whole(StatusCode::OK, "application/json", Bytes::from_static(OPENAPI_DOCUMENT.as_bytes())))
            }
            _ => self.chat(call).await,
        }
    }

    async fn missing(&self, deadline: Deadline) -> Vec<String> {
        self.health.missing(&self.config, &self.policy, deadline).await
    }

    fn status(&self) -> Value {
        let Config { sanitize, translate, retrieve, search, model, control } = &*self.config;
        let peers = [sanitize, translate, retrieve, search].into_iter().flatten().map(shared::invoke::Peer::status);
        let model = model.iter().map(shared::model::ChatModel::status);
        let control = control.iter().map(shared::dynamo::ControlTable::status);
        json!({ "dependencies": peers.chain(model).chain(control).collect::<Vec<_>>() })
    }
}
