//! The model in process: pure computation of milliseconds.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use shared::{clock, deadline::Deadline};
use tokenizers::Error as TokenizerError;

use super::{EmbeddingError, EmbeddingModel, ModelError, model::Model, threads::Threads};

/// Passages that are computed together: it saves time (see [`super::encoder`]), and a question that comes meanwhile waits for
/// all of them.
const TOGETHER: usize = 2;
/// So many passages tell how long more of them take; they take a second.
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

    /// Also returns how long that took, on all threads together.
    async fn all_passages(
        &self,
        deadline: Deadline,
        texts: &[String],
    ) -> Result<(Vec<Vec<f32>>, Duration), EmbeddingError> {
        let some = stream::iter(texts.chunks(TOGETHER).map(<[String]>::to_vec));
        let passages = some.map(|texts| self.some_passages(deadline, texts)).buffered(self.threads.at_once());
        let join = async |(mut all, took): (Vec<_>, Duration), (some, more)| {
            all.extend(some);
            Ok((all, took + more))
        };
        passages.try_fold((Vec::with_capacity(texts.len()), Duration::ZERO), join).await
    }

    async fn some_passages(
        &self,
        deadline: Deadline,
        texts: Vec<String>,
    ) -> Result<(Vec<Vec<f32>>, Duration), EmbeddingError> {
        let model = Arc::clone(&self.model);
        let work = move || {
            let began = clock::now();
            model.passages(&texts).map(|vectors| (vectors, clock::now() - began))
        };
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
            let (mut vectors, took) = self.all_passages(deadline, sample).await?;
            let expected = expected(sample, took.div_f64(self.threads.at_once() as f64), rest);
            if let Some(percent) = too_much(expected, deadline.remaining()) {
                return Err(EmbeddingError::TooMuch { percent });
            }
            vectors.extend(self.all_passages(deadline, rest).await?.0);
            Ok(vectors)
        })
    }
}

/// How long `rest` takes when `sample` took so long: as much for each byte.
fn expected(sample: &[String], took: Duration, rest: &[String]) -> Duration {
    let [sample, rest] = [sample, rest].map(|texts| texts.iter().map(String::len).sum::<usize>() as f64);
    Duration::try_from_secs_f64(took.as_secs_f64() * rest / sample.max(1.0)).unwrap_or(Duration::MAX)
}

/// How much can be done of what is `expected` to take far longer than what `remains`. A sample is not all: what might fit is
/// tried.
fn too_much(expected: Duration, remains: Duration) -> Option<u32> {
    let share = remains.div_duration_f64(expected);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 100, and not negative")]
    (expected > remains.saturating_mul(3) / 2).then_some((100.0 * share) as u32)
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
    fn a_sample_tells_how_long_the_rest_takes_and_what_might_fit_is_tried() {
        let second = Duration::from_secs(1);
        let texts = |count: usize, bytes: usize| vec!["a".repeat(bytes); count];
        assert_eq!(expected(&texts(32, 1_000), second, &texts(320, 100)), second);
        assert_eq!(expected(&texts(32, 10), second, &texts(32, 1_000)), 100 * second);
        assert_eq!(expected(&texts(1, 0), second, &[]), Duration::ZERO);
        assert_eq!(too_much(30 * second, 20 * second), None);
        assert_eq!(too_much(40 * second, 20 * second), Some(50));
        assert_eq!(too_much(second, Duration::ZERO), Some(0));
        assert_eq!(too_much(Duration::ZERO, Duration::ZERO), None);
    }
}
