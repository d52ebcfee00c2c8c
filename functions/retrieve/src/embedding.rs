//! Texts to vectors, in process.
//!
//! The forward pass is pure computation of milliseconds, so it runs on a bounded pool of threads: never on the
//! reactor, and never on a pool that grows. Questions come before documents: a document is embedded passage by passage
//! and leaves one thread free, and where its writing may be shed, so may its passages.

#![expect(
    clippy::disallowed_types,
    reason = "documents wait their turn, each until its deadline; the gates bound how many"
)]

mod encoder;
mod kernels;
mod model;
mod quantized;
mod recent;
mod weights;
mod words;

use std::{path::Path, sync::Arc, time::Duration};

use encoder::Precision;
use futures_util::{StreamExt, TryStreamExt, stream};
use model::Model;
pub use model::{DIMENSION, ModelError};
use recent::Recent;
use shared::{
    cpu::{CpuError, CpuLimits, CpuPool},
    deadline::{Deadline, Elapsed},
    gate::{GateStatus, Overloaded},
    metrics::Sample,
    watermark::Marks,
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How much the embedder may take.
#[derive(Clone, Copy, Debug)]
pub struct EmbedderLimits {
    /// Threads that compute.
    pub threads: usize,
    /// Texts that may wait for one.
    pub queue: usize,
    /// Passages of documents that are computed at once; fewer than the threads leave room for questions.
    pub bulk: usize,
    /// No text waits longer than this for a thread.
    pub max_wait: Duration,
    /// Whether questions are computed in eight bits, where the processor has instructions for it.
    pub eight_bit: bool,
    /// Questions whose embeddings are kept ..
    pub kept: u64,
    /// .. for this long.
    pub kept_for: Duration,
}

/// Why there is no vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddingError {
    /// The queue is full, or no thread was free in time: nothing was started.
    #[error("too many texts to embed at once")]
    Overloaded(Overloaded),
    /// It was not done at its deadline.
    #[error(transparent)]
    Late(#[from] Elapsed),
    /// The computation failed; the log has the cause.
    #[error("the embedding failed")]
    Failed,
}

impl EmbeddingError {
    /// A stable word for replies, logs and metrics.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Overloaded(_) => "overloaded",
            Self::Late(_) => "timeout",
            Self::Failed => "fault",
        }
    }
}

impl From<CpuError> for EmbeddingError {
    fn from(error: CpuError) -> Self {
        match error {
            CpuError::Overloaded(full) => Self::Overloaded(full),
            CpuError::Late(late) => Self::Late(late),
            CpuError::Crashed => Self::Failed,
        }
    }
}

/// A loaded model and its threads. Clones share them; the threads end with the last clone.
#[derive(Clone)]
pub struct Embedder {
    model: Arc<Model>,
    /// How questions are computed; passages are computed exactly.
    questions: Precision,
    pool: Arc<CpuPool>,
    recent: Arc<Recent>,
    bulk: Arc<Semaphore>,
    at_once: usize,
}

impl Embedder {
    /// Loads the model of `folder` (Hugging Face layout). Reads some 45 MB: call it before serving.
    pub fn load(folder: &Path, limits: EmbedderLimits) -> Result<Self, ModelError> {
        let EmbedderLimits { threads, queue, bulk, max_wait, eight_bit, kept, kept_for } = limits;
        let questions = if eight_bit { Precision::EightBit } else { Precision::Exact };
        let model = Arc::new(Model::load(folder, questions)?);
        let pool = Arc::new(CpuPool::start("embed", CpuLimits { threads, queue, max_wait })?);
        let recent = Arc::new(Recent::new(kept, kept_for));
        Ok(Self { model, questions, pool, recent, bulk: Arc::new(Semaphore::new(bulk)), at_once: bulk })
    }

    /// Names the model: vectors of different names cannot be compared.
    pub fn model(&self) -> &str {
        self.model.name()
    }

    /// Whether the model was trained on a language: of others it knows names and loan words.
    pub fn knows(language: &str) -> bool {
        language == "en" || language.starts_with("en-")
    }

    /// How many tokens the model sees in `text`.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.model.count_tokens(text)
    }

    /// Embeds a question: a unit vector of [`DIMENSION`]. Refused when the queue is full.
    pub async fn embed_query(&self, deadline: Deadline, text: &str) -> Result<Vec<f32>, EmbeddingError> {
        self.recent.find(deadline, text, || self.embed(deadline, text.to_owned(), self.questions)).await
    }

    /// Embeds passages, in their order.
    pub async fn embed_passages(&self, deadline: Deadline, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let passages = stream::iter(texts.iter().cloned()).map(|text| self.embed_passage(deadline, text));
        passages.buffered(self.at_once).try_collect().await
    }

    /// Runs other work on a document (cutting, analysing) where it cannot stall the reactor.
    pub async fn compute<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, EmbeddingError> {
        let _turn = self.bulk_turn(deadline).await?;
        Ok(self.pool.run(deadline, work).await?)
    }

    /// Threads in use, and what waits for one.
    pub fn status(&self) -> GateStatus {
        self.pool.status()
    }

    /// The same for the metrics, and how often a question was known.
    pub fn sample(&self) -> Sample {
        let (hits, misses) = self.recent.counts();
        let threads = Sample::of_threads("embedding", &self.pool.status(), self.pool.take_peak());
        threads.count("CacheHits", hits).count("CacheMisses", misses)
    }

    /// Warns from now on by these marks.
    pub fn watch(&self, marks: Marks) {
        self.pool.watch(marks);
    }

    async fn embed_passage(&self, deadline: Deadline, text: String) -> Result<Vec<f32>, EmbeddingError> {
        let _turn = self.bulk_turn(deadline).await?;
        self.embed(deadline, text, Precision::Exact).await
    }

    async fn bulk_turn(&self, deadline: Deadline) -> Result<SemaphorePermit<'_>, EmbeddingError> {
        let turn = deadline.bound("the embedding of documents", self.bulk.acquire()).await?;
        turn.map_err(|_| EmbeddingError::Failed)
    }

    async fn embed(&self, deadline: Deadline, text: String, precision: Precision) -> Result<Vec<f32>, EmbeddingError> {
        let model = Arc::clone(&self.model);
        let embedded = self.pool.run(deadline, move || model.embed(&text, precision)).await?;
        embedded.map_err(|error| {
            tracing::error!(%error, "embedding failed");
            EmbeddingError::Failed
        })
    }
}

impl std::fmt::Debug for Embedder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedder").field("model", &self.model()).finish_non_exhaustive()
    }
}
