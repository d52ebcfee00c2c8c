//! Many tasks on few permits: how many calls get through, and that no permit is lost.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use shared::{
    clock,
    dependency::{Dependency, Effect},
    scope::Scope,
};
use tokio::{sync::Semaphore, task::yield_now};

use super::subject::{Failed, dependency, later};

const TASKS: usize = 256;
const PERMITS: usize = 12;
const CALLS: u64 = 1_000_000;
/// Room for all tasks, and for as many again: a queue that is more than half full would serve the newest first, and
/// the oldest too late.
const PLACES: usize = 4 * TASKS;

/// Calls still to be made, and what became of those that were.
#[derive(Debug, Default)]
struct Work {
    taken: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
    in_flight: AtomicUsize,
    peak: AtomicUsize,
}

impl Work {
    /// Whether there is one more call to make.
    fn take(&self) -> bool {
        self.taken.fetch_add(1, Ordering::Relaxed) < CALLS
    }

    /// One call; others run while it waits.
    async fn attempt(&self) -> Result<(), Failed> {
        let in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(in_flight, Ordering::SeqCst);
        yield_now().await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }

    fn count(&self, answered: bool) {
        let counter = if answered { &self.answered } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Prints calls per second through the core, beside a plain semaphore's, and checks the books.
pub async fn report() -> Result<(), Box<dyn Error>> {
    let (door, _) = dependency(|limits| {
        limits.concurrent = PERMITS;
        limits.queue = PLACES;
        limits.timeout = Duration::from_secs(60);
    })?;
    println!("{CALLS} calls by {TASKS} tasks on {PERMITS} permits, {} threads", tokio_threads());
    let baseline = plain().await?;
    let (guarded, work) = through(&door).await?;
    println!("  tokio Semaphore    {baseline:>12.0} calls/s");
    println!("  Dependency::call   {guarded:>12.0} calls/s, {:.2} of it", guarded / baseline);
    check(&door, &work)
}

async fn plain() -> Result<f64, Box<dyn Error>> {
    let (work, permits) = (Arc::new(Work::default()), Arc::new(Semaphore::new(PERMITS)));
    run(|| {
        let (work, permits) = (work.clone(), permits.clone());
        async move {
            while work.take() {
                let permit = permits.acquire().await;
                work.count(permit.is_ok() && work.attempt().await.is_ok());
            }
        }
    })
    .await
}

async fn through(door: &Dependency) -> Result<(f64, Arc<Work>), Box<dyn Error>> {
    let work = Arc::new(Work::default());
    let speed = run(|| {
        let (work, door, deadline) = (work.clone(), door.clone(), later());
        async move {
            while work.take() {
                let called = door.call(deadline, Effect::Idempotent, |_| work.attempt()).await;
                work.count(called.is_ok());
            }
        }
    })
    .await?;
    Ok((speed, work))
}

/// Runs all tasks to their end; calls per second.
async fn run<F: Future<Output = ()> + Send + 'static>(task: impl Fn() -> F) -> Result<f64, Box<dyn Error>> {
    let began = clock::now();
    let mut scope = Scope::<(), Failed>::new(TASKS);
    for _ in 0..TASKS {
        let task = task();
        scope.required(async move {
            task.await;
            Ok(())
        });
    }
    scope.join().await.map_err(|_| "a task crashed")?;
    #[expect(clippy::cast_precision_loss, reason = "a million")]
    let calls = CALLS as f64;
    Ok(calls / (clock::now() - began).as_secs_f64())
}

fn check(door: &Dependency, work: &Work) -> Result<(), Box<dyn Error>> {
    let bulkhead = door.status().bulkhead;
    let (answered, refused) = (work.answered.load(Ordering::Relaxed), work.refused.load(Ordering::Relaxed));
    let peak = work.peak.load(Ordering::SeqCst);
    println!(
        "  answered {answered}, refused {refused}, peak in flight {peak}, in use {}, waiting {}",
        bulkhead.in_use, bulkhead.waiting
    );
    let kept = (bulkhead.in_use, bulkhead.waiting, refused) == (0, 0, 0) && answered == CALLS && peak <= PERMITS;
    if kept { Ok(()) } else { Err("a permit or a call was lost".into()) }
}

fn tokio_threads() -> usize {
    tokio::runtime::Handle::current().metrics().num_workers()
}
