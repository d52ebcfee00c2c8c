//! The way of one question: check, understand, gather, and then [`deliver`](crate::deliver) what the composer writes.

use std::sync::Arc;

use shared::{
    contract::{Degradation, chat::ToolRun, sanitize::Direction},
    invoke::Caller,
    policy::Policy,
    problem::Problem,
    serve::Call,
};

use crate::{
    compose::Task,
    config::Config,
    guard::Guard,
    language::{self, PIVOT, Understood},
    plan,
    request::Question,
    source::Source,
    timings::Timings,
    tools::Inquiry,
    wave,
};

/// A question with everything that its answer may rest on.
#[derive(Debug)]
pub struct Gathered {
    /// The request.
    pub call: Call,
    /// What was asked.
    pub question: Question,
    /// What the guardrails have seen; holds the vault.
    pub guard: Guard,
    /// The masked question, as asked.
    pub masked: String,
    /// The masked question in English.
    pub understood: Understood,
    /// What the answer may rest on, masked.
    pub sources: Vec<Source>,
    /// What was left out so far.
    pub degraded: Vec<Degradation>,
    /// How each tool went.
    pub runs: Vec<ToolRun>,
    /// How long each stage took.
    pub timings: Timings,
}

impl Gathered {
    /// On whose behalf calls are made.
    pub fn caller(&self) -> Caller<'_> {
        Caller::of(&self.call)
    }

    /// What the composer is given.
    pub fn task(&self) -> Task<'_> {
        let original =
            (self.understood.language != PIVOT).then_some((self.masked.as_str(), self.understood.language.as_str()));
        Task { query: &self.understood.query, original, sources: &self.sources }
    }
}

/// Steps 1 to 4: everything before the answer is composed.
///
/// # Errors
/// `blocked`, or the problem of a required peer.
pub async fn gather(
    config: &Arc<Config>,
    policy: &Policy,
    call: Call,
    question: Question,
) -> Result<Gathered, Problem> {
    let mut timings = Timings::default();
    let mut guard = Guard::default();
    let masked = timings.of("sanitize", check(config, policy, &call, &mut guard, &question.message)).await?;
    let mut understood = timings.of("translate", understand(config, policy, &call, &masked, &question)).await;
    if understood.translated {
        understood.query = timings.of("sanitize", check(config, policy, &call, &mut guard, &understood.query)).await?;
    }
    let waves = plan::plan(config.search.is_some());
    let inquiry = inquiry(&call, &question, &masked, &understood);
    let harvest = timings.of("tools", wave::run(waves, config, policy, inquiry, call.deadline)).await?;
    let mut sources = harvest.sources;
    for source in &mut sources {
        source.text = guard.mask_source(&source.text);
    }
    let degraded = understood.degraded.clone().into_iter().chain(harvest.degraded).collect();
    Ok(Gathered { call, question, guard, masked, understood, sources, degraded, runs: harvest.runs, timings })
}

async fn check(
    config: &Config,
    policy: &Policy,
    call: &Call,
    guard: &mut Guard,
    text: &str,
) -> Result<String, Problem> {
    let reserved = policy.orchestrate.reserved.sanitize_answer;
    let deadline = call.deadline.stage(policy.orchestrate.sanitize, reserved);
    guard.check(config, Caller::of(call), deadline, Direction::Input, text).await
}

async fn understand(config: &Config, policy: &Policy, call: &Call, masked: &str, question: &Question) -> Understood {
    let reserved = policy.orchestrate.reserved.for_the_answer();
    let deadline = call.deadline.stage(policy.orchestrate.translate_in, reserved);
    language::understand(config, Caller::of(call), deadline, masked, question.language.as_deref()).await
}

fn inquiry(call: &Call, question: &Question, masked: &str, understood: &Understood) -> Inquiry {
    Inquiry {
        query: understood.query.clone(),
        original_query: understood.translated.then(|| masked.to_owned()),
        collection: question.collection.clone(),
        principal: call.principal.clone(),
        request_id: call.request_id.clone(),
        traceparent: call.traceparent.clone(),
    }
}
