//! The threads that compute: bounded, never the reactor's, and never a pool that grows.
//!
//! Questions come before documents: a document takes turns, a few passages each, and leaves one thread free, and where its
//! writing may be shed, so may its passages.

#![expect(
    clippy::disallowed_types,
    reason = "documents wait their turn, each until its deadline; the gates bound how many"
)]

use std::{io, sync::Arc};

use shared::{
    cpu::{CpuLimits, CpuPool},
    deadline::Deadline,
    gate::GateStatus,
    metrics::Sample,
    watermark::Marks,
};
use tokio::sync::Semaphore;

use super::{EmbedderLimits, EmbeddingError};

/// Clones share the threads, which end with the last one.
#[derive(Clone)]
pub(super) struct Threads {
    pool: Arc<CpuPool>,
    bulk: Arc<Semaphore>,
    at_once: usize,
}

impl Threads {
    pub(super) fn start(limits: EmbedderLimits) -> io::Result<Self> {
        let EmbedderLimits { threads, queue, bulk, max_wait, .. } = limits;
        let pool = Arc::new(CpuPool::start("embed", CpuLimits { threads, queue, max_wait })?);
        Ok(Self { pool, bulk: Arc::new(Semaphore::new(bulk)), at_once: bulk })
    }

    /// How many threads compute a document's passages at once.
    pub(super) fn at_once(&self) -> usize {
        self.at_once
    }

    /// Runs `work` on a question.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, EmbeddingError> {
        Ok(self.pool.run(deadline, work).await?)
    }

    /// Runs `work` on a document, in its turn.
    pub(super) async fn for_documents<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, EmbeddingError> {
        let turn = deadline.bound("the embedding of documents", self.bulk.acquire()).await?;
        let _turn = turn.map_err(|_| EmbeddingError::Failed)?;
        self.run(deadline, work).await
    }

    pub(super) fn status(&self) -> GateStatus {
        self.pool.status()
    }

    pub(super) fn sample(&self) -> Sample {
        Sample::of_threads("embedding", &self.pool.status(), self.pool.take_peak())
    }

    pub(super) fn watch(&self, marks: Marks) {
        self.pool.watch(marks);
    }
}
