//! Amazon Translate: the first choice, since the text stays in the account's own region.
//!
//! Off unless `AMAZON_TRANSLATE=on`: the service may keep texts to improve its models until the organisation opts out
//! (Amazon Translate developer guide, "Guidelines and quotas").

use aws_sdk_translate::{Client, operation::translate_text::TranslateTextError};
use futures_util::future::BoxFuture;
use shared::{
    core::Core,
    deadline::Deadline,
    dependency::{CallError, Classify, Dependency, Effect, Verdict},
};

use super::{Failure, Opened, Translator};
use crate::{language::Pair, protect::Sealed};

/// Its name in the policy.
const DEPENDENCY: &str = "amazon_translate";

/// The service of one region.
#[derive(Debug)]
pub struct Amazon {
    client: Client,
    dependency: Dependency,
}

/// What a call came to, as far as the dependency is concerned: an unsupported pair is an answer, not a fault.
enum Answer {
    Text(String),
    UnsupportedPair,
}

/// Any other answer, or none.
#[derive(Debug, thiserror::Error)]
#[error("Amazon Translate did not translate")]
struct Refusal(#[source] TranslateTextError);

impl Classify for Refusal {
    fn verdict(&self) -> Verdict {
        match &self.0 {
            error if error.is_too_many_requests_exception() => Verdict::Limited(None),
            error if error.is_internal_server_exception() || error.is_service_unavailable_exception() => Verdict::Fault,
            // A text it cannot take. What never reached it has no kind of its own.
            error if error.meta().code().is_some() => Verdict::Ignored,
            _ => Verdict::Fault,
        }
    }
}

impl Amazon {
    /// The service of the account's region.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "every call of this client goes through the dependency beside it")]
    pub fn new(core: &Core) -> Self {
        Self { client: Client::new(core.sdk()), dependency: core.dependency(DEPENDENCY) }
    }

    async fn translate_one(&self, text: &Sealed, pair: Pair, deadline: Deadline) -> Result<String, Failure> {
        let call = self.dependency.call(deadline, Effect::Idempotent, |_| self.ask(text.opaque(), pair));
        match call.await.map_err(|error| failure(&error))? {
            Answer::Text(translated) => Ok(text.open(&translated)?),
            Answer::UnsupportedPair => Err(Failure::UnsupportedPair),
        }
    }

    async fn ask(&self, text: &str, pair: Pair) -> Result<Answer, Refusal> {
        let request = self.client.translate_text().text(text);
        let request = request.source_language_code(pair.source.code()).target_language_code(pair.target.code());
        match request.send().await.map_err(aws_sdk_translate::error::SdkError::into_service_error) {
            Ok(reply) => Ok(Answer::Text(reply.translated_text)),
            Err(error) if error.is_unsupported_language_pair_exception() => Ok(Answer::UnsupportedPair),
            Err(error) => Err(Refusal(error)),
        }
    }
}

impl Translator for Amazon {
    fn name(&self) -> &'static str {
        "amazon"
    }

    fn translate<'a>(
        &'a self,
        texts: &'a [Sealed],
        pair: Pair,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Opened>, Failure>> {
        Box::pin(async move {
            let mut opened = Vec::with_capacity(texts.len());
            for text in texts {
                opened.push(self.translate_one(text, pair, deadline).await);
            }
            Ok(opened)
        })
    }

    fn dependency(&self) -> &'static str {
        DEPENDENCY
    }
}

fn failure(error: &CallError<Refusal>) -> Failure {
    Failure::Call(error.reason())
}
