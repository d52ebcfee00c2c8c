//! Who waits, and who is next.
//!
//! By class first. Within a class the order is first come, first served, which is fair while the queue is short. Under
//! overload (the queue more than half full, or its head waiting for more than half of what anybody may wait) the
//! *newest* is served first. A long queue served in order gives every caller the wait of the whole queue: all are
//! answered late and most have given up. Served from its end, those who just came are answered in time, and those who
//! would have been late anyway are the ones that are. Facebook calls it adaptive LIFO (Maurer, "Fail at Scale", ACM
//! Queue 13(8), 2015); the Google SRE book recommends it in "Addressing Cascading Failures".

use std::{collections::VecDeque, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use super::{Permit, Refusal};
use crate::{context::Criticality, deadline::Deadline};

/// What a waiter is told.
pub(super) type Answer = Result<Permit, Refusal>;

/// A caller that found no free permit.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) since: Instant,
    pub(super) deadline: Deadline,
    pub(super) criticality: Criticality,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// A caller that waits.
#[derive(Debug)]
pub(super) struct Waiter {
    ticket: u64,
    since: Instant,
    until: Deadline,
    /// Which refusal it is when `until` passes.
    pub(super) late: Refusal,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// The waiters of each class, in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Queue {
    classes: [VecDeque<Waiter>; Criticality::ALL.len()],
    issued: u64,
}

impl Waiter {
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.until.passed(now)
    }
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.classes.iter().map(VecDeque::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.classes.iter().all(VecDeque::is_empty)
    }

    /// Puts the newcomer at the end of its class. Its ticket takes it out again.
    pub(super) fn push(&mut self, newcomer: Newcomer, until: Deadline, late: Refusal) -> u64 {
        let Newcomer { since, criticality, answer, .. } = newcomer;
        self.issued += 1;
        let ticket = self.issued;
        self.class(criticality).push_back(Waiter { ticket, since, until, late, answer });
        ticket
    }

    /// Takes one waiter out, if it is still there.
    pub(super) fn remove(&mut self, ticket: u64, criticality: Criticality) -> Option<Waiter> {
        let class = self.class(criticality);
        // Tickets rise along a class: waiters leave it, but nobody comes in between.
        let place = class.binary_search_by_key(&ticket, |waiter| waiter.ticket).ok()?;
        class.remove(place)
    }

    /// Takes out who is served next, in a queue of `places` in which nobody waits longer than `max_wait`.
    pub(super) fn pop(&mut self, now: Instant, places: usize, max_wait: Duration) -> Option<Waiter> {
        let crowded = self.len() * 2 > places;
        let class = self.classes.iter_mut().find(|class| !class.is_empty())?;
        let stale = class.front().is_some_and(|head| now.saturating_duration_since(head.since) > max_wait / 2);
        if crowded || stale { class.pop_back() } else { class.pop_front() }
    }

    /// Takes out who has no time left.
    pub(super) fn remove_late(&mut self, now: Instant) -> Vec<Waiter> {
        let mut late = Vec::new();
        for class in &mut self.classes {
            let (gone, left) = std::mem::take(class).into_iter().partition(|waiter| waiter.is_late(now));
            late.extend::<VecDeque<Waiter>>(gone);
            *class = left;
        }
        late
    }

    /// Takes out a waiter that is less critical than `newcomer`: of the least critical class the oldest, which would
    /// be served last in a queue that is full.
    pub(super) fn evict(&mut self, newcomer: Criticality) -> Option<Waiter> {
        let lesser = self.classes.iter_mut().skip(newcomer.rank() + 1);
        lesser.rev().find_map(VecDeque::pop_front)
    }

    fn class(&mut self, criticality: Criticality) -> &mut VecDeque<Waiter> {
        &mut self.classes[criticality.rank()]
    }
}
