//! Bounded pools of threads for computations of more than about a millisecond, which would hold up every other request
//! on the reactor's thread.
//!
//! The queue of a pool is a [`Gate`]: bounded, by class, the newest first under overload, and left by a caller that goes
//! away. Only a job that has a thread is handed over, so the reactor never blocks on a pool, and a permit that comes
//! back means that a thread is free, whether or not anybody still waited for its result.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    deadline::{Deadline, Elapsed},
    gate::{Gate, GateLimits, GateStatus, Overloaded},
    watermark::Marks,
};

type Job = Box<dyn FnOnce() + Send>;

/// How much a pool may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuLimits {
    /// Threads that compute; one at least.
    pub threads: usize,
    /// Jobs that may wait for one.
    pub queue: usize,
    /// No job waits longer than this.
    pub max_wait: Duration,
}

/// Threads that compute. Dropping it joins them: that takes as long as a job that is still running.
#[derive(Debug)]
pub struct CpuPool {
    gate: Gate,
    /// None once the threads are to end.
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpuError {
    /// The queue is full, or no thread was free in time: nothing was started.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// It was still running at the deadline; its result is thrown away.
    #[error(transparent)]
    Late(#[from] Elapsed),
    /// It panicked.
    #[error("a computation crashed")]
    Crashed,
}

impl CpuPool {
    /// Starts the threads, named `name` and a number.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(name: &str, limits: CpuLimits) -> Result<Self, std::io::Error> {
        let CpuLimits { threads, queue, max_wait } = limits;
        let in_flight = threads.max(1);
        // A job is sent by the holder of a permit, so as many as there are threads always fit.
        let (jobs, received) = sync_channel(in_flight);
        let received = Arc::new(Mutex::new(received));
        let threads = (0..in_flight).map(|number| worker(format!("{name}-{number}"), received.clone()));
        Ok(Self {
            gate: Gate::new(&format!("cpu_pool/{name}"), GateLimits { in_flight, queue, max_wait, adaptive: false }),
            jobs: Some(jobs),
            threads: threads.collect::<Result<_, _>>()?,
        })
    }

    /// Runs `work` on one of the threads. Dropping the future cancels a job that has not started; one that runs goes on,
    /// and keeps its thread, until it ends.
    ///
    /// # Errors
    /// No thread in time, no result in time, or a panic.
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, CpuError> {
        let permit = self.gate.enter(deadline).await?;
        let (reply, result) = oneshot::channel();
        let job = move || {
            let computed = if reply.is_closed() { None } else { guarded(work) };
            drop(permit);
            if let Some(computed) = computed {
                drop(reply.send(computed));
            }
        };
        let jobs = self.jobs.as_ref().ok_or(CpuError::Crashed)?;
        jobs.try_send(Box::new(job)).map_err(|_| CpuError::Crashed)?;
        deadline.bound("a computation", result).await?.map_err(|_| CpuError::Crashed)
    }

    /// Warns from now on by these marks.
    pub fn watch(&self, marks: Marks) {
        self.gate.watch(marks);
    }

    /// The most threads that were busy at once since this was last asked.
    pub fn take_peak(&self) -> usize {
        self.gate.take_peak()
    }

    /// Threads in use, and who waits for one.
    pub fn status(&self) -> GateStatus {
        self.gate.status()
    }
}

impl Drop for CpuPool {
    fn drop(&mut self) {
        self.jobs = None;
        // The last owner may be a job of the pool itself, which cannot wait for its own end.
        let own = thread::current().id();
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != own) {
            let _ = thread.join();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the threads of the bounded pools start here")]
fn worker(name: String, jobs: Arc<Mutex<Receiver<Job>>>) -> Result<JoinHandle<()>, std::io::Error> {
    thread::Builder::new().name(name).spawn(move || std::iter::from_fn(|| next(&jobs)).for_each(|job| job()))
}

fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
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
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::FutureExt;

    use super::*;

    const LIMITS: CpuLimits = CpuLimits { threads: 1, queue: 1, max_wait: Duration::from_secs(10) };

    fn later() -> Deadline {
        Deadline::within(Duration::from_secs(60))
    }

    /// A job that has begun and goes on until it is told to end.
    fn hold(pool: &CpuPool) -> (impl Future<Output = Result<(), CpuError>> + Unpin, SyncSender<()>) {
        let (release, held) = sync_channel::<()>(1);
        let (entered, running) = sync_channel::<()>(0);
        let mut job = Box::pin(pool.run(later(), move || {
            entered.send(()).unwrap();
            held.recv().unwrap();
        }));
        assert!(job.as_mut().now_or_never().is_none());
        running.recv().unwrap();
        (job, release)
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_free_one_serves_again() {
        let pool = CpuPool::start("test", LIMITS).unwrap();
        let (held, release) = hold(&pool);
        let mut waiting = Box::pin(pool.run(later(), || 1));
        assert!(waiting.as_mut().now_or_never().is_none());
        let refused = pool.run(later(), || 2).await.unwrap_err();
        assert!(matches!(refused, CpuError::Overloaded(full) if full.retry_after >= Duration::from_secs(1)));
        release.send(()).unwrap();
        assert_eq!((held.await, waiting.await), (Ok(()), Ok(1)));
        assert_eq!(pool.status().in_use, 0);
    }

    #[tokio::test]
    async fn a_panic_costs_one_job() {
        let pool = CpuPool::start("test", LIMITS).unwrap();
        assert_eq!(pool.run(later(), || panic!("on purpose")).await, Err::<(), _>(CpuError::Crashed));
        assert_eq!(pool.run(later(), || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_job_is_not_started_once_its_caller_has_gone() {
        let pool = CpuPool::start("test", LIMITS).unwrap();
        let started = Arc::new(AtomicBool::new(false));
        let (held, release) = hold(&pool);
        let seen = started.clone();
        let mut gone = Box::pin(pool.run(later(), move || seen.store(true, Ordering::SeqCst)));
        assert!(gone.as_mut().now_or_never().is_none());
        drop(gone);
        release.send(()).unwrap();
        assert_eq!((held.await, pool.run(later(), || 1).await), (Ok(()), Ok(1)));
        assert!(!started.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_late_result_costs_its_caller_no_more_than_the_deadline() {
        let pool = CpuPool::start("test", LIMITS).unwrap();
        let (release, held) = sync_channel::<()>(1);
        let late = pool.run(Deadline::within(Duration::from_millis(20)), move || held.recv().unwrap()).await;
        assert_eq!(late, Err(CpuError::Late(Elapsed("a computation"))));
        assert_eq!(pool.status().in_use, 1, "the thread is still busy");
        release.send(()).unwrap();
        assert_eq!(pool.run(later(), || 1).await, Ok(1));
    }

    #[tokio::test]
    async fn threads_have_names_and_are_joined_on_drop() {
        let pool = CpuPool::start("named", CpuLimits { threads: 2, ..LIMITS }).unwrap();
        let name = pool.run(later(), || thread::current().name().map(str::to_owned)).await.unwrap().unwrap();
        assert!(name.starts_with("named-"), "{name}");
        let (held, release) = hold(&pool);
        drop(held);
        let ended = Arc::new(AtomicBool::new(false));
        let mark = ended.clone();
        let busy = Box::pin(pool.run(later(), move || {
            thread::yield_now();
            mark.store(true, Ordering::SeqCst);
        }));
        assert_eq!(busy.await, Ok(()));
        release.send(()).unwrap();
        drop(pool);
        assert_eq!((ended.load(Ordering::SeqCst), Arc::strong_count(&ended)), (true, 1));
    }
}
