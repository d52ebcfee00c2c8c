//! Texts to vectors, in process or by a service.
//!
//! Both stand behind one trait, [`EmbeddingModel`]. In front of it, equal questions are embedded once; beside it, documents
//! are cut and analysed on the same bounded threads, whoever embeds them.

mod attention;
mod encoder;
mod kernels;
mod local;
mod model;
mod quantized;
mod recent;
mod remote;
mod threads;
mod weights;
mod words;

use std::{fmt::Debug, path::Path, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
pub use local::knows_english;
pub use model::{DIMENSION, ModelError};
use recent::Recent;
pub use remote::{NAMES, Remote};
use shared::{
    cpu::CpuError,
    deadline::{Deadline, Elapsed},
    gate::{GateStatus, Overloaded},
    metrics::Sample,
    watermark::Marks,
};
use threads::Threads;

use self::local::Local;

/// Makes vectors of texts: unit vectors of [`DIMENSION`].
pub trait EmbeddingModel: Debug + Send + Sync {
    /// Its name: vectors of different names cannot be compared.
    fn name(&self) -> &str;

    /// Whether it was trained on a language: of others it knows names and loan words.
    fn knows(&self) -> fn(&str) -> bool;

    /// Whether the texts that it reads stay in our account.
    fn stays_here(&self) -> bool;

    /// How many tokens it sees in `text`, or about so many.
    fn count_tokens(&self, text: &str) -> usize;

    /// The vector of a question.
    fn question<'a>(&'a self, deadline: Deadline, text: &'a str) -> BoxFuture<'a, Result<Vec<f32>, EmbeddingError>>;

    /// The vectors of passages, in their order.
    fn passages<'a>(
        &'a self,
        deadline: Deadline,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, EmbeddingError>>;
}

/// How much the embedder may take.
#[derive(Clone, Copy, Debug)]
pub struct EmbedderLimits {
    /// Threads that compute.
    pub threads: usize,
    /// Texts that may wait for one.
    pub queue: usize,
    /// Threads that may compute passages of documents; fewer than there are leave room for questions.
    pub bulk: usize,
    /// No text waits longer than this for a thread.
    pub max_wait: Duration,
    /// Whether questions are computed in eight bits and passages in twelve, where the processor has instructions for it.
    pub quantized: bool,
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
    /// These passages would take far longer than there is time, by what the first of them took.
    #[error("there is time for some {percent} % of the passages")]
    TooMuch {
        /// How much of them would be done.
        percent: u32,
    },
    /// The computation failed; the log has the cause.
    #[error("the embedding failed")]
    Failed,
    /// The service that embeds gave no vectors, or none that can be used.
    #[error("the embedding service gave no vectors ({reason})")]
    Service {
        /// A stable word for why.
        reason: &'static str,
        /// When coming back makes sense, where that is known.
        retry_after: Option<Duration>,
    },
}

impl EmbeddingError {
    /// A stable word for replies, logs and metrics.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Overloaded(_) => "overloaded",
            Self::Late(_) => "timeout",
            Self::TooMuch { .. } => "invalid",
            Self::Failed => "fault",
            Self::Service { reason, .. } => reason,
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

/// A model, the threads beside it, and what was asked a moment ago. Clones share them; the threads end with the last clone.
#[derive(Clone)]
pub struct Embedder {
    model: Arc<dyn EmbeddingModel>,
    threads: Threads,
    recent: Arc<Recent>,
}

impl Embedder {
    /// Loads the model of `folder` (Hugging Face layout). Reads some 45 MB: call it before serving.
    pub fn load(folder: &Path, limits: EmbedderLimits) -> Result<Self, ModelError> {
        Self::with(limits, |threads| Ok(Arc::new(Local::load(folder, limits.quantized, threads)?)))
    }

    /// Embeds by a service; connects to nothing yet.
    pub fn remote(service: Remote, limits: EmbedderLimits) -> Result<Self, ModelError> {
        Self::with(limits, |_| Ok(Arc::new(service)))
    }

    fn with(
        limits: EmbedderLimits,
        model: impl FnOnce(Threads) -> Result<Arc<dyn EmbeddingModel>, ModelError>,
    ) -> Result<Self, ModelError> {
        let threads = Threads::start(limits)?;
        let recent = Arc::new(Recent::new(limits.kept, limits.kept_for));
        Ok(Self { model: model(threads.clone())?, threads, recent })
    }

    /// Names the model: vectors of different names cannot be compared.
    pub fn model(&self) -> &str {
        self.model.name()
    }

    /// Whether the model was trained on a language: of others it knows names and loan words.
    pub fn knows(&self) -> fn(&str) -> bool {
        self.model.knows()
    }

    /// Whether the texts that it reads stay in our account.
    pub fn stays_here(&self) -> bool {
        self.model.stays_here()
    }

    /// How many tokens the model sees in `text`, or about so many.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.model.count_tokens(text)
    }

    /// Embeds a question: a unit vector of [`DIMENSION`]. Refused when too many wait.
    pub async fn embed_query(&self, deadline: Deadline, text: &str) -> Result<Vec<f32>, EmbeddingError> {
        self.recent.find(deadline, text, || self.model.question(deadline, text)).await
    }

    /// Embeds passages, in their order. In process, what would take far too long is refused after the first few.
    pub async fn embed_passages(&self, deadline: Deadline, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        self.model.passages(deadline, texts).await
    }

    /// Runs other work on a document (cutting, analysing) where it cannot stall the reactor.
    pub async fn compute<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, EmbeddingError> {
        self.threads.for_documents(deadline, work).await
    }

    /// Threads in use, and what waits for one.
    pub fn status(&self) -> GateStatus {
        self.threads.status()
    }

    /// The same for the metrics, and how often a question was known.
    pub fn sample(&self) -> Sample {
        let (hits, misses) = self.recent.counts();
        self.threads.sample().count("CacheHits", hits).count("CacheMisses", misses)
    }

    /// Warns from now on by these marks.
    pub fn watch(&self, marks: Marks) {
        self.threads.watch(marks);
    }
}

impl Debug for Embedder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedder").field("model", &self.model()).finish_non_exhaustive()
    }
}
