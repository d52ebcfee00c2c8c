//! The queue between those who invoke a function and the process that asks for work.
//!
//! An invocation waits, is handed to the process with the next poll, and is then running until the process answers,
//! dies, or takes too long. Whoever invoked it holds the only claim: when they leave, it is forgotten. Both numbers
//! are bounded, the waiting ones by `capacity`, the running ones by the process's own concurrency.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// Chunks of a streamed reply that may wait for a slow client.
pub(crate) const STREAM_BUFFER: usize = 16;

/// What a function answered.
#[derive(Debug)]
pub enum Reply {
    /// One JSON document.
    Buffered(Bytes),
    /// Chunks as the function sends them: for HTTP, metadata JSON, eight NUL bytes, body.
    Streamed(mpsc::Receiver<Result<Bytes, Failure>>),
}

/// Why there is no reply.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The queue is full: come back later. Lambda's `TooManyRequestsException`.
    #[error("too many invocations are waiting")]
    Throttled,
    /// The function took longer than its timeout.
    #[error("the function took longer than {0:?}")]
    TimedOut(Duration),
    /// The process ended before it answered.
    #[error("the function's process exited before it answered")]
    Exited,
    /// The function reported an error: a JSON document with `errorType` and `errorMessage`.
    #[error("the function failed")]
    Function(Value),
}

impl Failure {
    /// The document that Lambda's Invoke answers with.
    #[must_use]
    pub fn document(&self) -> Value {
        match self {
            Self::Throttled => json!({"errorType": "TooManyRequestsException", "errorMessage": self.to_string()}),
            Self::TimedOut(_) => json!({"errorType": "Sandbox.Timedout", "errorMessage": self.to_string()}),
            Self::Exited => json!({"errorType": "Runtime.ExitError", "errorMessage": self.to_string()}),
            Self::Function(document) => document.clone(),
        }
    }
}

/// What the process gets with a poll.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) payload: Bytes,
    /// Wall clock, milliseconds since the epoch.
    pub(crate) deadline_ms: u64,
}

/// The claim of the one who invoked, taken when the process answers.
#[derive(Debug)]
pub(crate) struct Claim {
    reply: oneshot::Sender<Result<Reply, Failure>>,
    pub(crate) deadline: Instant,
}

impl Claim {
    pub(crate) fn settle(self, outcome: Result<Reply, Failure>) {
        // Nobody listens any more: then nobody needs it.
        let _ = self.reply.send(outcome);
    }
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Event, Claim)>,
    running: HashMap<String, Claim>,
}

/// The invocations of one function.
#[derive(Debug)]
pub struct Invocations {
    name: String,
    capacity: usize,
    timeout: Duration,
    state: Mutex<State>,
    arrived: Notify,
    polled: watch::Sender<bool>,
}

impl Invocations {
    /// At most `capacity` invocations wait; each is answered within `timeout`.
    #[must_use]
    pub fn new(name: &str, capacity: usize, timeout: Duration) -> Arc<Self> {
        let (polled, _) = watch::channel(false);
        let (state, arrived) = (Mutex::default(), Notify::new());
        Arc::new(Self { name: name.to_owned(), capacity, timeout, state, arrived, polled })
    }

    /// The function's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many wait for a process, and how many a process works on.
    #[must_use]
    pub fn depth(&self) -> (usize, usize) {
        let state = self.state();
        (state.waiting.len(), state.running.len())
    }

    /// Runs the function once.
    ///
    /// # Errors
    /// A [`Failure`], within the function's timeout.
    pub async fn invoke(&self, payload: Bytes) -> Result<Reply, Failure> {
        let id = Uuid::new_v4().to_string();
        let deadline = shared::clock::now() + self.timeout;
        let replied = self.enqueue(&id, payload, deadline)?;
        let _forget = Forget { invocations: self, id: &id };
        self.arrived.notify_one();
        match timeout_at(deadline, replied).await {
            Ok(outcome) => outcome.unwrap_or(Err(Failure::Exited)),
            Err(_) => Err(Failure::TimedOut(self.timeout)),
        }
    }

    /// The next event for the process; waits as long as it takes.
    pub(crate) async fn next(&self) -> Event {
        self.polled.send_replace(true);
        loop {
            let arrived = self.arrived.notified();
            if let Some(event) = self.hand_out() {
                return event;
            }
            arrived.await;
        }
    }

    /// The claim on a running invocation; `None` when it was forgotten.
    pub(crate) fn claim(&self, id: &str) -> Option<Claim> {
        self.state().running.remove(id)
    }

    /// How long the function may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Says that the process is gone. What it worked on fails; what waits is left for the next process, unless this
    /// one never asked for work: then the next one will hardly do better. Returns whether it did.
    pub(crate) fn process_exited(&self) -> bool {
        let asked_for_work = self.polled.send_replace(false);
        let mut state = self.state();
        let mut lost: Vec<Claim> = state.running.drain().map(|(_, claim)| claim).collect();
        if !asked_for_work {
            lost.extend(state.waiting.drain(..).map(|(_, claim)| claim));
        }
        drop(state);
        lost.into_iter().for_each(|claim| claim.settle(Err(Failure::Exited)));
        asked_for_work
    }

    /// Waits until a process has asked for work.
    pub async fn ready(&self) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.polled.subscribe().wait_for(|polled| *polled).await;
    }

    fn enqueue(
        &self,
        id: &str,
        payload: Bytes,
        deadline: Instant,
    ) -> Result<oneshot::Receiver<Result<Reply, Failure>>, Failure> {
        let mut state = self.state();
        if state.waiting.len() >= self.capacity {
            return Err(Failure::Throttled);
        }
        let (reply, replied) = oneshot::channel();
        let timeout_ms = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        let deadline_ms = shared::clock::unix_ms().saturating_add(timeout_ms);
        let event = Event { id: id.to_owned(), payload, deadline_ms };
        state.waiting.push_back((event, Claim { reply, deadline }));
        Ok(replied)
    }

    fn hand_out(&self) -> Option<Event> {
        let mut state = self.state();
        let (event, claim) = state.waiting.pop_front()?;
        state.running.insert(event.id.clone(), claim);
        Some(event)
    }

    fn forget(&self, id: &str) {
        let mut state = self.state();
        if state.running.remove(id).is_none() {
            state.waiting.retain(|(event, _)| event.id != id);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes an invocation out of the books when the one who invoked it leaves, answered or not.
struct Forget<'a> {
    invocations: &'a Invocations,
    id: &'a str,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.invocations.forget(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::JoinSet;

    const TIMEOUT: Duration = Duration::from_secs(5);

    type Invoked = JoinSet<Result<Reply, Failure>>;

    fn invoke(invocations: &Arc<Invocations>, invoked: &mut Invoked) {
        let invocations = Arc::clone(invocations);
        invoked.spawn(async move { invocations.invoke(Bytes::from_static(b"{}")).await });
    }

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let invocations = Invocations::new("f", 1, TIMEOUT);
        let mut invoked = Invoked::new();
        invoke(&invocations, &mut invoked);
        invoke(&invocations, &mut invoked);
        assert!(matches!(invoked.join_next().await.unwrap().unwrap(), Err(Failure::Throttled)));
        assert_eq!(invocations.depth(), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_forgotten() {
        let invocations = Invocations::new("f", 1, TIMEOUT);
        let mut invoked = Invoked::new();
        invoke(&invocations, &mut invoked);
        let event = invocations.next().await;
        assert!(matches!(invoked.join_next().await.unwrap().unwrap(), Err(Failure::TimedOut(_))));
        assert_eq!(invocations.depth(), (0, 0));
        assert!(invocations.claim(&event.id).is_none());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_forgotten() {
        let invocations = Invocations::new("f", 2, TIMEOUT);
        let mut invoked = Invoked::new();
        invoke(&invocations, &mut invoked);
        invocations.next().await;
        invoke(&invocations, &mut invoked);
        tokio::task::yield_now().await;
        assert_eq!(invocations.depth(), (1, 1));
        invoked.shutdown().await;
        assert_eq!(invocations.depth(), (0, 0));
    }

    #[tokio::test]
    async fn a_process_takes_down_what_it_worked_on_and_nothing_else() {
        let invocations = Invocations::new("f", 2, TIMEOUT);
        let mut invoked = Invoked::new();
        invoke(&invocations, &mut invoked);
        invocations.next().await;
        invoke(&invocations, &mut invoked);
        tokio::task::yield_now().await;
        assert!(invocations.process_exited());
        assert!(matches!(invoked.join_next().await.unwrap().unwrap(), Err(Failure::Exited)));
        assert_eq!(invocations.depth(), (1, 0));
        // The next process does not get as far as asking for work.
        assert!(!invocations.process_exited());
        assert!(matches!(invoked.join_next().await.unwrap().unwrap(), Err(Failure::Exited)));
    }
}
