//! A fixed number of threads behind a bounded queue. What does not fit is refused at once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use tokio::sync::oneshot;

use super::EmbeddingError;

/// Threads that compute. They end when this is dropped and the queue is empty.
pub(super) struct Workers {
    queue: SyncSender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Workers {
    pub(super) fn start(threads: usize, queue: usize) -> Result<Self, std::io::Error> {
        let (sender, receiver) = sync_channel::<Job>(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..threads.max(1) {
            let receiver = Arc::clone(&receiver);
            let work = move || std::iter::from_fn(|| next(&receiver)).for_each(|job| job());
            thread::Builder::new().name(format!("embed-{number}")).spawn(work)?;
        }
        Ok(Self { queue: sender })
    }

    /// Runs `work` on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, EmbeddingError> {
        let (reply, result) = oneshot::channel();
        let job = move || {
            // Whoever asked may have left while the job was waiting.
            if !reply.is_closed()
                && let Some(result) = guarded(work)
            {
                let _ = reply.send(result);
            }
        };
        self.queue.try_send(Box::new(job)).map_err(|refused| match refused {
            TrySendError::Full(_) => EmbeddingError::Overloaded,
            TrySendError::Disconnected(_) => EmbeddingError::Failed,
        })?;
        result.await.map_err(|_| EmbeddingError::Failed)
    }
}

fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// A panic costs one job, not the thread.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(work)).ok();
    if result.is_none() {
        tracing::error!("a computation panicked");
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_free_one_serves_again() {
        let workers = Workers::start(1, 1).unwrap();
        let (release, held) = sync_channel::<()>(0);
        let (entered, running) = sync_channel::<()>(0);
        let hold = workers.run(move || {
            entered.send(()).unwrap();
            held.recv().unwrap();
        });
        let mut hold = Box::pin(hold);
        assert!(futures_util::poll!(&mut hold).is_pending());
        running.recv().unwrap();
        let mut waiting = Box::pin(workers.run(|| 1));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert_eq!(workers.run(|| 2).await, Err(EmbeddingError::Overloaded));
        release.send(()).unwrap();
        assert_eq!((hold.await, waiting.await), (Ok(()), Ok(1)));
    }

    #[tokio::test]
    async fn a_panic_costs_one_job() {
        let workers = Workers::start(1, 4).unwrap();
        assert_eq!(workers.run(|| panic!("on purpose")).await, Err::<(), _>(EmbeddingError::Failed));
        assert_eq!(workers.run(|| 7).await, Ok(7));
    }
}
