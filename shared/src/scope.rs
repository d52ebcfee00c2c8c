//! Structured concurrency: tasks that belong to somebody, run a bounded number at a time, and do not outlive him.
//!
//! A [`Scope`] is the only place that starts tasks. A *required* task's failure cancels the others and is the scope's
//! result; an *optional* one's is handed back beside the results. A panic is a failure like any other. Tasks inherit
//! the request's context and its span. Dropping the scope aborts what it runs: an aborted task ends where it waits
//! next, so [`Scope::join`] waits for those ends, and a drop, which cannot wait, leaves them to the runtime.
//!
//! ```
//! # use shared::scope::Scope;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let mut scope = Scope::new(2);
//! scope.required(async { Ok::<_, &str>("documents") });
//! scope.optional(async { Err("the web is away") });
//! let results = scope.join().await.unwrap();
//! assert_eq!(results[0], Ok("documents"));
//! assert!(results[1].is_err());
//! # });
//! ```
#![expect(clippy::disallowed_types, reason = "the one owner of tasks")]

use std::{collections::VecDeque, panic::AssertUnwindSafe};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::context;

/// Tasks with one owner. Their results are `Result<T, E>`.
#[derive(Debug)]
pub struct Scope<T, E> {
    at_once: usize,
    running: JoinSet<Ended<T, E>>,
    waiting: Waiting<T, E>,
    spawned: usize,
}

/// Tasks that are not started yet, in order. As many as the owner added: he bounds them.
struct Waiting<T, E>(VecDeque<BoxFuture<'static, Ended<T, E>>>);

/// A task's end.
#[derive(Debug)]
pub struct Ended<T, E> {
    /// Its place in the order of spawning, from 0.
    pub number: usize,
    /// What it came to.
    pub outcome: Result<T, TaskError<E>>,
    required: bool,
}

/// Why a task has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError<E> {
    /// It failed.
    #[error("a task failed")]
    Failed(#[source] E),
    /// It panicked (the panic hook has logged where), or the runtime ended under it.
    #[error("a task crashed")]
    Crashed,
}

impl<T: Send + 'static, E: Send + 'static> Scope<T, E> {
    /// A scope that runs `at_once` tasks at a time; one at least.
    pub fn new(at_once: usize) -> Self {
        Self { at_once: at_once.max(1), running: JoinSet::new(), waiting: Waiting(VecDeque::new()), spawned: 0 }
    }

    /// Adds a task without whose result there is none. It starts now, or when there is room.
    pub fn required(&mut self, task: impl Future<Output = Result<T, E>> + Send + 'static) {
        self.add(task, true);
    }

    /// Adds a task whose failure is only a loss. It starts now, or when there is room.
    pub fn optional(&mut self, task: impl Future<Output = Result<T, E>> + Send + 'static) {
        self.add(task, false);
    }

    /// All results, in the order of spawning. Returns when every task has ended.
    ///
    /// # Errors
    /// The first required task that failed: the others are cancelled.
    pub async fn join(mut self) -> Result<Vec<Result<T, TaskError<E>>>, TaskError<E>> {
        let mut outcomes: Vec<_> = (0..self.spawned).map(|_| Err(TaskError::Crashed)).collect();
        while let Some(Ended { number, outcome, required }) = self.next().await {
            match outcome {
                Err(error) if required => {
                    self.running.shutdown().await;
                    return Err(error);
                }
                outcome => outcomes[number] = outcome,
            }
        }
        Ok(outcomes)
    }

    /// The next end, as they come; none when all have ended. A required task's failure cancels the others. Nothing is
    /// lost when this is dropped while it waits.
    pub async fn next(&mut self) -> Option<Ended<T, E>> {
        loop {
            match self.running.join_next().await? {
                Ok(ended) => {
                    if ended.required && ended.outcome.is_err() {
                        self.cancel();
                    }
                    self.start();
                    return Some(ended);
                }
                // Cancelled: it has no end to speak of.
                Err(_) => self.start(),
            }
        }
    }

    /// Cancels what runs and forgets what waits.
    pub fn cancel(&mut self) {
        self.waiting.0.clear();
        self.running.abort_all();
    }

    fn add(&mut self, task: impl Future<Output = Result<T, E>> + Send + 'static, required: bool) {
        let number = self.spawned;
        self.spawned += 1;
        let task = context::current().run(AssertUnwindSafe(task).catch_unwind()).in_current_span();
        let ended = async move {
            let outcome = task.await.map_err(|_| TaskError::Crashed).and_then(|end| end.map_err(TaskError::Failed));
            Ended { number, outcome, required }
        };
        self.waiting.0.push_back(Box::pin(ended));
        self.start();
    }

    fn start(&mut self) {
        while self.running.len() < self.at_once {
            let Some(task) = self.waiting.0.pop_front() else { return };
            self.running.spawn(task);
        }
    }
}

impl<T, E> std::fmt::Debug for Waiting<T, E> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} tasks", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use super::*;
    use crate::{
        clock,
        context::{Criticality, RequestContext},
    };

    const STEP: Duration = Duration::from_millis(10);

    /// Counts who is there; says when he goes, however he goes.
    struct Present(Arc<AtomicUsize>);

    impl Present {
        fn new(count: &Arc<AtomicUsize>) -> Self {
            count.fetch_add(1, Ordering::SeqCst);
            Self(count.clone())
        }
    }

    impl Drop for Present {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    async fn after(steps: u32, result: Result<u32, &'static str>) -> Result<u32, &'static str> {
        tokio::time::sleep(STEP * steps).await;
        result
    }

    #[tokio::test(start_paused = true)]
    async fn results_come_in_the_order_of_spawning() {
        let mut scope = Scope::new(8);
        for number in 0..5 {
            scope.required(after(5 - number, Ok(number)));
        }
        let started = clock::now();
        let numbers: Vec<_> = scope.join().await.unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        assert_eq!(started.elapsed(), STEP * 5);
    }

    #[tokio::test(start_paused = true)]
    async fn ends_come_as_they_are() {
        let mut scope = Scope::new(8);
        for number in 0..3 {
            scope.optional(after(3 - number, Ok(number)));
        }
        let mut numbers = vec![];
        while let Some(ended) = scope.next().await {
            numbers.push((ended.number, ended.outcome));
        }
        assert_eq!(numbers, [(2, Ok(2)), (1, Ok(1)), (0, Ok(0))]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_limit_run_at_once() {
        let (present, peak) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let mut scope = Scope::<_, ()>::new(3);
        for _ in 0..10 {
            let (present, peak) = (present.clone(), peak.clone());
            scope.required(async move {
                let _present = Present::new(&present);
                peak.fetch_max(present.load(Ordering::SeqCst), Ordering::SeqCst);
                tokio::time::sleep(STEP).await;
                Ok(())
            });
        }
        assert_eq!(scope.join().await.unwrap().len(), 10);
        assert_eq!((peak.load(Ordering::SeqCst), present.load(Ordering::SeqCst)), (3, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_required_failure_cancels_the_rest_and_waits_for_its_end() {
        let present = Arc::<AtomicUsize>::default();
        let mut scope = Scope::new(3);
        scope.required(after(2, Err("no documents")));
        for _ in 0..5 {
            let there = present.clone();
            scope.optional(async move {
                let _present = Present::new(&there);
                std::future::pending().await
            });
        }
        let started = clock::now();
        tokio::time::sleep(STEP).await;
        assert_eq!(present.load(Ordering::SeqCst), 2);
        assert_eq!(scope.join().await, Err(TaskError::Failed("no documents")));
        assert_eq!((present.load(Ordering::SeqCst), started.elapsed()), (0, STEP * 2));
    }

    #[tokio::test(start_paused = true)]
    async fn an_optional_failure_or_panic_is_handed_back() {
        let mut scope = Scope::new(4);
        scope.required(after(2, Ok(7)));
        scope.optional(after(1, Err("the web is away")));
        scope.optional(async { panic!("on purpose") });
        let results = scope.join().await.unwrap();
        assert_eq!(results, [Ok(7), Err(TaskError::Failed("the web is away")), Err(TaskError::Crashed)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_required_panic_is_the_result() {
        let mut scope = Scope::<u32, &str>::new(4);
        scope.required(async { panic!("on purpose") });
        scope.optional(after(100, Ok(1)));
        assert_eq!(scope.join().await, Err(TaskError::Crashed));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_outlives_a_scope_that_is_dropped() {
        let present = Arc::<AtomicUsize>::default();
        let mut scope = Scope::<(), ()>::new(2);
        for _ in 0..3 {
            let there = present.clone();
            scope.required(async move {
                let _present = Present::new(&there);
                std::future::pending().await
            });
        }
        tokio::task::yield_now().await;
        assert_eq!(present.load(Ordering::SeqCst), 2);
        drop(scope);
        tokio::task::yield_now().await;
        assert_eq!(present.load(Ordering::SeqCst), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_inherit_the_context() {
        let context = RequestContext::new(Criticality::Critical, STEP);
        let allowance = context.store.clone();
        let inherited = context.run(async {
            let mut scope = Scope::<_, ()>::new(1);
            for _ in 0..2 {
                scope.required(async {
                    context::current().store.charge(STEP / 4);
                    Ok(context::criticality())
                });
            }
            scope.join().await.unwrap()
        });
        assert_eq!(inherited.await, [Ok(Criticality::Critical); 2]);
        assert_eq!(allowance.left(), STEP / 2);
    }
}
