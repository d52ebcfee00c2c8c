//! The last steps of an answer, for all of it at once or for each part of a stream: check, bring back into the asker's
//! language, put the patient's own data back, number the citations.

use std::time::Duration;

use shared::{
    contract::{
        Degradation,
        chat::{ChatReply, Usage},
        sanitize::Direction,
    },
    deadline::Deadline,
    invoke::Caller,
    policy::Policy,
    problem::Problem,
};
use uuid::Uuid;

use crate::{
    answer::{Rendered, Sentence},
    chat::Gathered,
    config::Config,
    language,
    source::Source,
};

/// An answer on its way out.
#[derive(Debug)]
pub struct Delivery {
    gathered: Gathered,
    /// The reply's id.
    pub id: String,
    rendered: Rendered,
    language: Option<String>,
}

impl Delivery {
    /// Nothing is delivered yet.
    pub fn new(gathered: Gathered) -> Self {
        Self { gathered, id: Uuid::new_v4().to_string(), rendered: Rendered::default(), language: None }
    }

    /// What the answer rests on and for whom it is.
    pub fn gathered(&mut self) -> &mut Gathered {
        &mut self.gathered
    }

    /// The language of the asker.
    pub fn target(&self) -> &str {
        &self.gathered.understood.language
    }

    /// Delivers the next sentences; gives back the text that they add.
    ///
    /// # Errors
    /// When they could not be checked or did not pass: then they must not be sent.
    pub async fn add(
        &mut self,
        config: &Config,
        policy: &Policy,
        deadline: Deadline,
        mut sentences: Vec<Sentence>,
        sources: &[Source],
    ) -> Result<String, Problem> {
        self.check(config, policy, deadline, &mut sentences).await?;
        self.bring_back(config, policy, deadline, &mut sentences).await;
        let mut added = String::new();
        for sentence in &mut sentences {
            sentence.text = self.gathered.guard.unmask(&sentence.text);
            added.push_str(&self.rendered.push(sentence, sources));
            self.note_language(&sentence.language);
        }
        Ok(added)
    }

    /// The whole reply.
    pub fn into_reply(self, usage: Option<Usage>) -> ChatReply {
        let Self { gathered, id, rendered, language } = self;
        let mut citations = rendered.citations;
        for citation in &mut citations {
            citation.snippet = gathered.guard.unmask(&citation.snippet);
        }
        ChatReply {
            id,
            conversation_id: gathered.question.conversation_id,
            answer: rendered.text,
            language: language.unwrap_or(gathered.understood.language),
            citations,
            degraded: each_once(gathered.degraded),
            safety: gathered.guard.summary(),
            tools: gathered.runs,
            timings_ms: gathered.timings.into_map(),
            usage,
        }
    }

    /// One line for each sentence, so that one call checks all of them and they can be told apart again.
    async fn check(
        &mut self,
        config: &Config,
        policy: &Policy,
        deadline: Deadline,
        sentences: &mut [Sentence],
    ) -> Result<(), Problem> {
        let limits = &policy.orchestrate;
        let stage = deadline.stage(limits.sanitize, limits.reserved.translate_back);
        let text = sentences.iter().map(|sentence| sentence.text.replace('\n', " ")).collect::<Vec<_>>().join("\n");
        let Gathered { call, guard, timings, .. } = &mut self.gathered;
        let caller = Caller::of(call);
        let checked = timings.of("sanitize", guard.check(config, caller, stage, Direction::Output, &text)).await?;
        let lines: Vec<_> = checked.split('\n').collect();
        if lines.len() != sentences.len() {
            return Err(Problem::internal());
        }
        for (sentence, line) in sentences.iter_mut().zip(lines) {
            line.clone_into(&mut sentence.text);
        }
        Ok(())
    }

    async fn bring_back(&mut self, config: &Config, policy: &Policy, deadline: Deadline, sentences: &mut [Sentence]) {
        let stage = deadline.stage(policy.orchestrate.translate_out, Duration::ZERO);
        let Gathered { call, timings, understood, degraded, .. } = &mut self.gathered;
        let caller = Caller::of(call);
        let work = language::bring_back(config, caller, stage, sentences, &understood.language);
        degraded.extend(timings.of("translate", work).await);
    }

    /// The reply's language is the asker's unless a sentence stayed in another one.
    fn note_language(&mut self, language: &str) {
        if language != self.target() && self.language.is_none() {
            self.language = Some(language.to_owned());
        }
    }
}

fn each_once(degraded: Vec<Degradation>) -> Vec<Degradation> {
    let mut once: Vec<Degradation> = Vec::new();
    for part in degraded {
        if !once.iter().any(|known| known.component == part.component && known.reason == part.reason) {
            once.push(part);
        }
    }
    once
}
