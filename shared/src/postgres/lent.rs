//! Connections that are lent: how many, for how long others waited, and how often there was none.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::Object;

use crate::watermark::{Marks, Watermark};

/// For warnings.
const WHAT: &str = "postgres_pool";

/// What a pool has lent; outlives the pool when another one takes its place.
#[derive(Debug, Default)]
pub(super) struct Lending {
    state: Mutex<State>,
    lent: AtomicU64,
    exhausted: AtomicU64,
    waited_us: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    in_use: usize,
    limit: usize,
    peak: usize,
    watermark: Watermark,
}

/// A connection that goes back when this is dropped.
pub(super) struct Lent {
    connection: Object,
    lending: Arc<Lending>,
}

/// Counted since the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) lent: u64,
    pub(super) exhausted: u64,
    pub(super) waited_us: u64,
}

impl Lending {
    /// Lends a connection of a pool that has `limit`.
    pub(super) fn lend(self: Arc<Self>, connection: Object, limit: usize, marks: Marks) -> Lent {
        self.lent.fetch_add(1, Ordering::Relaxed);
        self.change(|state| {
            state.in_use += 1;
            state.limit = limit;
            state.watermark.adopt(marks);
        });
        Lent { connection, lending: self }
    }

    /// Somebody waited for so long, and then had a connection or gave up.
    pub(super) fn waited(&self, wait: Duration) {
        self.waited_us.fetch_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Somebody waited in vain.
    pub(super) fn exhausted(&self) {
        self.exhausted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn in_use(&self) -> usize {
        self.state().in_use
    }

    /// The most that were lent at once since this was last asked.
    pub(super) fn take_peak(&self) -> usize {
        let mut state = self.state();
        let in_use = state.in_use;
        std::mem::replace(&mut state.peak, in_use)
    }

    pub(super) fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts { lent: count(&self.lent), exhausted: count(&self.exhausted), waited_us: count(&self.waited_us) }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        state.peak = state.peak.max(state.in_use);
        let (in_use, limit) = (state.in_use, state.limit);
        let crossing = state.watermark.look(in_use, limit);
        drop(state);
        if let Some(crossing) = crossing {
            crossing.tell(WHAT);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.lending.change(|state| state.in_use = state.in_use.saturating_sub(1));
    }
}

impl Deref for Lent {
    type Target = Object;

    fn deref(&self) -> &Object {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Object {
        &mut self.connection
    }
}
