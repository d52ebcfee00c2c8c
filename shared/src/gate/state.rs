//! The decisions of a gate: plain functions of what is in flight, who waits, and the time.
//!
//! What always holds after each of them: while a permit is free, nobody waits.

use std::time::Duration;

use tokio::{sync::oneshot, time::Instant};

use super::{
    GateLimits, Refusal,
    adaptive::AdaptiveLimit,
    queue::{Answer, Newcomer, Queue, Waiter},
};
use crate::{
    context::Criticality,
    deadline::Deadline,
    watermark::{Crossing, Marks, Watermark},
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) limits: GateLimits,
    pub(super) in_use: usize,
    pub(super) queue: Queue,
    adaptive: Option<AdaptiveLimit>,
    /// Moving average of how long a permit is held.
    mean_hold: Duration,
    /// Somebody waits for the gate to be empty.
    draining: bool,
    /// The most permits that were held since somebody last asked.
    peak: usize,
    watermark: Watermark,
}

/// How a newcomer came in.
pub(super) enum Joined {
    Admitted,
    Refused(Refusal),
    Waiting { ticket: u64, until: Deadline, late: Refusal },
}

/// What a waiter is to be told, once the state is unlocked.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) answer: oneshot::Sender<Answer>,
    pub(super) decision: Result<(), Refusal>,
    pub(super) at: Instant,
}

impl State {
    pub(super) fn new(limits: GateLimits) -> Self {
        let adaptive = limits.adaptive.then(|| AdaptiveLimit::new(limits.in_flight));
        Self {
            limits,
            in_use: 0,
            queue: Queue::default(),
            adaptive,
            mean_hold: Duration::ZERO,
            draining: false,
            peak: 0,
            watermark: Watermark::default(),
        }
    }

    /// Takes on new marks for the warning.
    pub(super) fn watch(&mut self, marks: Marks) {
        self.watermark.adopt(marks);
    }

    /// After each decision: keeps the peak; what there is to say about the use.
    pub(super) fn note_use(&mut self) -> Option<Crossing> {
        self.peak = self.peak.max(self.in_use);
        let limit = self.limit();
        self.watermark.look(self.in_use, limit)
    }

    /// The most permits that were held since this was last asked.
    pub(super) fn take_peak(&mut self) -> usize {
        std::mem::replace(&mut self.peak, self.in_use)
    }

    /// How many may be in flight now.
    pub(super) fn limit(&self) -> usize {
        self.adaptive_limit().unwrap_or(self.limits.in_flight)
    }

    /// Where the adaptive limit stands, when there is one.
    pub(super) fn adaptive_limit(&self) -> Option<usize> {
        self.adaptive.as_ref().map(AdaptiveLimit::limit)
    }

    /// Takes a free permit.
    pub(super) fn admit(&mut self) -> bool {
        let free = self.in_use < self.limit();
        self.in_use += usize::from(free);
        free
    }

    /// Takes a permit that has become free meanwhile, or a place in the queue.
    pub(super) fn join(&mut self, newcomer: Newcomer) -> (Joined, Vec<Verdict>) {
        if self.admit() {
            return (Joined::Admitted, Vec::new());
        }
        let (now, criticality) = (newcomer.since, newcomer.criticality);
        if criticality == Criticality::Sheddable && self.queue.len() * 2 > self.limits.queue {
            return (Joined::Refused(Refusal::Shed), Vec::new());
        }
        let verdicts = self.make_room(now, criticality);
        if self.queue.len() >= self.limits.queue {
            return (Joined::Refused(Refusal::QueueFull), verdicts);
        }
        let longest = Deadline::from_instant(now + self.limits.max_wait);
        let late = if newcomer.deadline < longest { Refusal::Deadline } else { Refusal::WaitTooLong };
        let until = newcomer.deadline.or_sooner(longest);
        let ticket = self.queue.push(newcomer, until, late);
        (Joined::Waiting { ticket, until, late }, verdicts)
    }

    /// Takes a waiter out that has gone. Whoever has a verdict already is out.
    pub(super) fn leave(&mut self, ticket: u64, criticality: Criticality) -> Option<Waiter> {
        self.queue.remove(ticket, criticality)
    }

    /// Takes a permit back that was held for `held`, and passes it on.
    pub(super) fn release(&mut self, now: Instant, held: Duration) -> Vec<Verdict> {
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.sample(now, held, self.in_use);
        }
        self.in_use = self.in_use.saturating_sub(1);
        // Weight 1/8, as TCP smooths its round-trip time (RFC 6298).
        self.mean_hold = if self.mean_hold.is_zero() { held } else { self.mean_hold / 8 * 7 + held / 8 };
        self.pass_on(now)
    }

    pub(super) fn resize(&mut self, now: Instant, limits: GateLimits) -> Vec<Verdict> {
        self.limits = limits;
        self.adaptive = match self.adaptive.take() {
            Some(adaptive) if limits.adaptive => Some(adaptive.within(limits.in_flight)),
            _ => limits.adaptive.then(|| AdaptiveLimit::new(limits.in_flight)),
        };
        self.pass_on(now)
    }

    /// Whether nothing is in flight. When something is, the last one to leave will tell.
    pub(super) fn is_empty_or_tell(&mut self) -> bool {
        self.draining |= self.in_use > 0;
        self.in_use == 0
    }

    pub(super) fn tells_empty(&self) -> bool {
        self.draining && self.in_use == 0
    }

    /// How long those before a newcomer need: each permit is free again after a mean hold.
    pub(super) fn drain_time(&self) -> Duration {
        let limit = self.limit().max(1);
        let rounds = (self.queue.len() + limit).div_ceil(limit);
        self.mean_hold.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }

    /// Gives what is free to those who wait. Who has no time left is passed over.
    fn pass_on(&mut self, now: Instant) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        while !self.queue.is_empty() && self.in_use < self.limit() {
            let Some(waiter) = self.queue.pop(now, self.limits.queue, self.limits.max_wait) else { break };
            let decision = if waiter.is_late(now) { Err(waiter.late) } else { Ok(()) };
            self.in_use += usize::from(decision.is_ok());
            verdicts.push(Verdict { answer: waiter.answer, decision, at: now });
        }
        verdicts
    }

    /// In a full queue, those without time go first; then the least critical one goes for a more critical newcomer.
    fn make_room(&mut self, now: Instant, newcomer: Criticality) -> Vec<Verdict> {
        let full = |queue: &Queue| queue.len() >= self.limits.queue;
        if !full(&self.queue) {
            return Vec::new();
        }
        let refuse = |answer, refusal| Verdict { answer, decision: Err(refusal), at: now };
        let late = self.queue.remove_late(now).into_iter();
        let mut verdicts: Vec<_> = late.map(|waiter| refuse(waiter.answer, waiter.late)).collect();
        if full(&self.queue) {
            let evicted = self.queue.evict(newcomer);
            verdicts.extend(evicted.map(|waiter| refuse(waiter.answer, Refusal::Evicted)));
        }
        verdicts
    }
}
