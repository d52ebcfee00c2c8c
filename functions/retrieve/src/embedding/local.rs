//! The model in process: pure computation of milliseconds.

use std::{fmt, path::Path, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use shared::deadline::Deadline;
use tokenizers::Error as TokenizerError;

use super::{EmbeddingError, EmbeddingModel, ModelError, model::Model, threads::Threads};

/// Passages that are computed together: it saves time (see [`super::encoder`]), and a question that comes meanwhile waits for
/// all of them.
const TOGETHER: usize = 2;

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
        let some = stream::iter(texts.chunks(TOGETHER).map(<[String]>::to_vec));
        let passages = some.map(move |texts| self.some_passages(deadline, texts));
        Box::pin(passages.buffered(self.threads.at_once()).try_concat())
    }
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
