//! Admission: a cap on what is in flight and a bounded queue before it.
//!
//! One type serves both doors of a process: the gate in front of a function and the bulkhead in front of a
//! dependency. What does not fit is refused at once, with the time after which coming back makes sense.
//!
//! Who waits is served by class first ([`Criticality`], from the request's context), and within a class in the order
//! of arrival. Under overload that order turns round: see [`queue`]. All decisions are plain functions of a small
//! state behind one mutex; answers are delivered after it is unlocked. A permit that is on its way to a waiter is
//! already a [`Permit`]: wherever it is dropped, it goes on to the next one, so that no cancellation can lose it.

mod adaptive;
mod counters;
mod queue;
mod state;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use self::{
    counters::Counters,
    queue::{Answer, Newcomer},
    state::{Joined, State, Verdict},
};
use crate::{
    clock,
    context::{self, Criticality},
    deadline::Deadline,
    watermark::Marks,
};

pub use self::counters::{GateStatus, Refusal, Refusals};

/// Refusals ask to come back no sooner than this: `Retry-After` counts in seconds.
const SOONEST_RETRY: Duration = Duration::from_secs(1);
/// ... and no later than this, however slow the drain looks.
const LATEST_RETRY: Duration = Duration::from_secs(30);

/// How many may be in, how many may wait, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateLimits {
    /// At most this many hold a permit at once.
    pub in_flight: usize,
    /// At most this many wait for one.
    pub queue: usize,
    /// Nobody waits longer than this.
    pub max_wait: Duration,
    /// Whether the limit follows the latency; `in_flight` is then its ceiling.
    pub adaptive: bool,
}

/// A cap with a bounded queue. Permits keep it alive.
#[derive(Debug)]
pub struct Gate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// What it protects, for warnings: such as `bulkhead/openai`.
    what: String,
    state: Mutex<State>,
    counters: Counters,
    /// Told when the last permit is back, once somebody has asked for it.
    empty: Notify,
}

/// The right to be in flight; given back by drop.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Shared>,
    since: Instant,
}

/// Refused: full, or waited too long. Nothing was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at its limit; come back in {retry_after:?}")]
pub struct Overloaded {
    /// When a place is likely to be free.
    pub retry_after: Duration,
}

impl Gate {
    /// A gate with all its permits free; `what` names it in warnings.
    pub fn new(what: &str, limits: GateLimits) -> Self {
        let state = Mutex::new(State::new(limits));
        Self(Arc::new(Shared { what: what.to_owned(), state, counters: Counters::default(), empty: Notify::new() }))
    }

    /// Warns from now on by these marks.
    pub fn watch(&self, marks: Marks) {
        self.0.change(|state| state.watch(marks));
    }

    /// Enters, waiting in the bounded queue until `max_wait` or the deadline, whichever is sooner. How critical the
    /// caller is stands in its request's context. A free permit is given without a wait, an allocation or a look at
    /// the context; dropping the future leaves the queue.
    ///
    /// # Errors
    /// No place in the queue, no permit in time, or a more critical caller took the place.
    pub async fn enter(&self, deadline: Deadline) -> Result<Permit, Overloaded> {
        let now = clock::now();
        if self.0.change(State::admit) {
            return Ok(self.0.admitted(now));
        }
        match self.wait(now, deadline).await {
            Ok(permit) => Ok(permit),
            Err(refusal) => Err(self.0.refused(refusal)),
        }
    }

    /// Takes on new limits. Who is in stays in: under a lower limit the number in flight sinks as permits come back.
    pub fn resize(&self, limits: GateLimits) {
        let verdicts = self.0.change(|state| state.resize(clock::now(), limits));
        self.0.deliver(verdicts);
    }

    /// Waits until nothing is in flight, or until the deadline; says whether it is empty.
    pub async fn drained(&self, deadline: Deadline) -> bool {
        let emptied = async {
            loop {
                let told = self.0.empty.notified();
                if self.0.state().is_empty_or_tell() {
                    return;
                }
                told.await;
            }
        };
        deadline.bound("the drain", emptied).await.is_ok()
    }

    /// What it looks like now.
    pub fn status(&self) -> GateStatus {
        self.0.counters.status(&self.0.state())
    }

    /// The most permits that were held at once since this was last asked.
    pub fn take_peak(&self) -> usize {
        self.0.state().take_peak()
    }

    async fn wait(&self, since: Instant, deadline: Deadline) -> Result<Permit, Refusal> {
        let (answer, verdict) = oneshot::channel();
        let criticality = context::criticality();
        let newcomer = Newcomer { since, deadline, criticality, answer };
        let (joined, verdicts) = self.0.change(|state| state.join(newcomer));
        self.0.deliver(verdicts);
        let (ticket, until, late) = match joined {
            Joined::Admitted => return Ok(self.0.admitted(since)),
            Joined::Refused(refusal) => return Err(refusal),
            Joined::Waiting { ticket, until, late } => (ticket, until, late),
        };
        let _place = Place { gate: &self.0, ticket, criticality, since };
        match until.bound("a permit", verdict).await {
            Ok(Ok(answer)) => answer.inspect(|_| self.0.counters.admitted()),
            _ => Err(late),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides under the lock; speaks, if the use has crossed a mark, without it.
    fn change<T>(&self, decide: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let decided = decide(&mut state);
        let crossing = state.note_use();
        drop(state);
        if let Some(crossing) = crossing {
            crossing.tell(&self.what);
        }
        decided
    }

    fn admitted(self: &Arc<Self>, now: Instant) -> Permit {
        self.counters.admitted();
        Permit { gate: self.clone(), since: now }
    }

    fn refused(&self, refusal: Refusal) -> Overloaded {
        self.counters.refused(refusal);
        Overloaded { retry_after: self.state().drain_time().clamp(SOONEST_RETRY, LATEST_RETRY) }
    }

    /// Tells waiters what became of them. A permit whose waiter has just gone comes back from the channel and is
    /// dropped, which passes it on.
    fn deliver(self: &Arc<Self>, verdicts: Vec<Verdict>) {
        for Verdict { answer, decision, at } in verdicts {
            let decision: Answer = decision.map(|()| Permit { gate: self.clone(), since: at });
            drop(answer.send(decision));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = clock::now();
        let held = now.saturating_duration_since(self.since);
        let (verdicts, tell) = self.gate.change(|state| (state.release(now, held), state.tells_empty()));
        self.gate.deliver(verdicts);
        if tell {
            self.gate.empty.notify_waiters();
        }
    }
}

/// A place in the queue; given back by drop, so that a caller that goes away frees it.
struct Place<'a> {
    gate: &'a Shared,
    ticket: u64,
    criticality: Criticality,
    since: Instant,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let gone = self.gate.state().leave(self.ticket, self.criticality);
        self.gate.counters.waited(clock::now().saturating_duration_since(self.since));
        drop(gone);
    }
}
