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
        let turn = deadline.bound("the embedding of documents", Arc::clone(&self.bulk).acquire_owned()).await?;
        let turn = turn.map_err(|_| EmbeddingError::Failed)?;
        // Kept by the work: when nobody waits for it any more it still has its thread, and the others are for questions.
        let in_turn = move || {
            let _turn = turn;
            work()
        };
        self.run(deadline, in_turn).await
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

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            atomic::{AtomicBool, Ordering},
            mpsc,
        },
        time::Duration,
    };

    use futures_util::poll;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_document_that_nobody_waits_for_keeps_its_turn_until_its_thread_is_free() {
        let wait = Duration::from_secs(60);
        let limits = EmbedderLimits {
            threads: 2,
            queue: 2,
            bulk: 1,
            max_wait: wait,
            quantized: false,
            kept: 0,
            kept_for: Duration::ZERO,
        };
        let (threads, later) = (Threads::start(limits).unwrap(), Deadline::within(wait));
        let (started, is_started) = oneshot::channel();
        let (end, ends) = mpsc::sync_channel::<()>(1);
        let endless = move || (started.send(()), ends.recv());
        tokio::select! {
            _ = threads.for_documents(later, endless) => panic!("it ended by itself"),
            begun = is_started => begun.unwrap(),
        }
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let mut next = pin!(threads.for_documents(later, move || seen.load(Ordering::SeqCst)));
        assert!(poll!(&mut next).is_pending());
        assert_eq!(threads.run(later, || 7).await, Ok(7), "a question has the other thread");
        ended.store(true, Ordering::SeqCst);
        drop(end);
        assert_eq!(next.await, Ok(true), "the next document began before the first one had ended");
    }
}
