//! The model in process: pure computation of milliseconds.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use shared::{clock, deadline::Deadline};
use tokenizers::Error as TokenizerError;

use super::{EmbeddingError, EmbeddingModel, ModelError, model::Model, threads::Threads};

/// Passages that are computed together: it saves time (see [`super::encoder`]), and a question that comes meanwhile waits for
/// all of them.
const TOGETHER: usize = 2;
/// So many passages tell how long more of them take: a second.
const SAMPLE: usize = 32;

/// A loaded model.
pub(super) struct Local {
    model: Arc<Model>,
    threads: Threads,
}

/// all-MiniLM-L6-v2 was trained on English.
pub fn knows_english(language: &str) -> bool {
    language == "en" || language.starts_with("en-")
}

impl Local {
    pub(super) fn load(folder: &Path, quantized: bool, threads: Threads) -> Result<Self, ModelError> {
        Ok(Self { model: Arc::new(Model::load(folder, quantized)?), threads })
    }

    async fn all_passages(&self, deadline: Deadline, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let some = stream::iter(texts.chunks(TOGETHER).map(<[String]>::to_vec));
        let passages = some.map(move |texts| self.some_passages(deadline, texts));
        passages.buffered(self.threads.at_once()).try_concat().await
    }

    async fn some_passages(&self, deadline: Deadline, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let model = Arc::clone(&self.model);
        let work = move || model.passages(&texts);
        self.threads.for_documents(deadline, work).await?.map_err(failed)
    }
}

impl EmbeddingModel for Local {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn knows(&self) -> fn(&str) -> bool {
        knows_english
    }

    fn stays_here(&self) -> bool {
        true
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.model.count_tokens(text)
    }

    fn question<'a>(&'a self, deadline: Deadline, text: &'a str) -> BoxFuture<'a, Result<Vec<f32>, EmbeddingError>> {
        let (model, text) = (Arc::clone(&self.model), text.to_owned());
        let work = move || model.question(&text);
        Box::pin(async move { self.threads.run(deadline, work).await?.map_err(failed) })
    }

    fn passages<'a>(
        &'a self,
        deadline: Deadline,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, EmbeddingError>> {
        Box::pin(async move {
            let (sample, rest) = texts.split_at(texts.len().min(SAMPLE));
            let began = clock::now();
            let mut vectors = self.all_passages(deadline, sample).await?;
            let fitting = fitting(sample.len(), clock::now() - began, deadline.remaining());
            if rest.len() > fitting {
                return Err(EmbeddingError::TooMany { fitting: sample.len() + fitting });
            }
            vectors.extend(self.all_passages(deadline, rest).await?);
            Ok(vectors)
        })
    }
}

/// How many more may be done in the time that `remains`, when so many took so long: half as many again as at that rate, for the
/// sample may have been of long ones.
fn fitting(sample: usize, took: Duration, remains: Duration) -> usize {
    let at_this_rate = remains.as_secs_f64() / took.as_secs_f64().max(f64::MIN_POSITIVE) * sample as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
    let fitting = (1.5 * at_this_rate) as usize;
    fitting
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("model", &self.name()).finish_non_exhaustive()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn failed(error: TokenizerError) -> EmbeddingError {
    tracing::error!(%error, "embedding failed");
    EmbeddingError::Failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_tells_how_many_fit_and_some_more_are_tried() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        assert_eq!(fitting(32, second, minute), 32 * 60 * 3 / 2);
        assert_eq!(fitting(32, second, Duration::ZERO), 0);
        assert_eq!(fitting(1, Duration::ZERO, minute), usize::MAX);
    }
}
