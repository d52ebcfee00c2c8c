//! What a provider received and what it is doing. Bounded in entries and in bytes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;
use tokio::sync::watch;

use super::received::Received;

const ENTRIES: usize = 1_000;
const BYTES: usize = 64 * 1024 * 1024;

/// What one provider is doing, and has done since the journal was last forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Requests whose answer is not wholly written yet, stalled ones included.
    pub in_flight: usize,
    /// The most that were in flight at once.
    pub max_in_flight: usize,
    /// Requests received.
    pub total: u64,
    /// Connections whose first request was for this provider and that are still open.
    pub open_connections: usize,
}

/// The journal of one provider.
#[derive(Debug, Default)]
pub(super) struct Journal {
    counters: watch::Sender<Counters>,
    shelf: Mutex<Shelf>,
}

/// The newest entries, and how many bytes they hold.
#[derive(Debug, Default)]
struct Shelf {
    entries: VecDeque<Received>,
    bytes: usize,
}

impl Journal {
    /// Notes a request. It counts as in flight until the guard is dropped.
    pub(super) fn record(self: &Arc<Self>, request: Received) -> InFlight {
        self.lock().add(request);
        self.counters.send_modify(|counters| {
            counters.total += 1;
            counters.in_flight += 1;
            counters.max_in_flight = counters.max_in_flight.max(counters.in_flight);
        });
        InFlight(Arc::clone(self))
    }

    pub(super) fn connection_opened(&self) {
        self.counters.send_modify(|counters| counters.open_connections += 1);
    }

    pub(super) fn connection_closed(&self) {
        self.counters.send_modify(|counters| counters.open_connections -= 1);
    }

    pub(super) fn entries(&self) -> Vec<Received> {
        self.lock().entries.iter().cloned().collect()
    }

    pub(super) fn counters(&self) -> Counters {
        *self.counters.borrow()
    }

    pub(super) async fn until(&self, condition: impl FnMut(&Counters) -> bool) -> Counters {
        let mut counters = self.counters.subscribe();
        match counters.wait_for(condition).await {
            Ok(reached) => *reached,
            Err(_) => self.counters(),
        }
    }

    /// Drops the entries; what is in flight and connected stays counted.
    pub(super) fn forget(&self) {
        *self.lock() = Shelf::default();
        self.counters.send_modify(|counters| {
            counters.total = 0;
            counters.max_in_flight = counters.in_flight;
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn add(&mut self, request: Received) {
        self.bytes += request.size();
        self.entries.push_back(request);
        while self.entries.len() > ENTRIES || self.bytes > BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= oldest.size();
        }
    }
}

/// One request in flight; released by drop, also when the client hangs up.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Journal>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.counters.send_modify(|counters| counters.in_flight -= 1);
    }
}
