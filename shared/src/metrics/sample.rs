//! The numbers of one limit at one moment.

use super::Written;
use crate::{
    dependency::DependencyStatus,
    gate::{GateStatus, Refusals},
};

/// What kind of limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The gate in front of the function.
    Gate,
    /// What the function calls.
    Dependency,
    /// Threads or connections.
    Pool,
}

/// CloudWatch's unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// How long.
    Microseconds,
}

/// The numbers of one limit.
#[derive(Clone, Debug)]
pub struct Sample {
    kind: Kind,
    name: &'static str,
    /// Rising since the start of the process.
    counters: Vec<(&'static str, Unit, u64)>,
    /// As they are now.
    gauges: Vec<(&'static str, Unit, u64)>,
}

impl Kind {
    /// The dimension beside `function`, whose value is the sample's name.
    pub(super) fn dimension(self) -> Option<&'static str> {
        match self {
            Self::Gate => None,
            Self::Dependency => Some("dependency"),
            Self::Pool => Some("pool"),
        }
    }
}

impl Unit {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Microseconds => "Microseconds",
        }
    }
}

impl Sample {
    /// The gate in front of the function, and the most that were in since the last sample.
    pub fn of_gate(status: &GateStatus, peak: usize) -> Self {
        Self::new(Kind::Gate, "gate").bounded(status, peak)
    }

    /// A pool of threads.
    pub fn of_threads(name: &'static str, status: &GateStatus, peak: usize) -> Self {
        Self::of_pool(name).bounded(status, peak)
    }

    /// A pool whose numbers follow.
    pub fn of_pool(name: &'static str) -> Self {
        Self::new(Kind::Pool, name)
    }

    /// A dependency.
    pub fn of_dependency(status: &DependencyStatus, peak: usize) -> Self {
        let limiters = [&status.rate, &status.tokens].into_iter().flatten();
        Self::new(Kind::Dependency, status.name)
            .count("Ok", status.ok)
            .count("Fault", status.fault)
            .count("Timeout", status.timeout)
            .count("Open", status.open)
            .count("RateLimited", status.rate_limited)
            .count("Retries", status.retries)
            .count("Hedges", status.hedges)
            .count("Transitions", status.breaker.transitions)
            .microseconds("RateWaitedTime", limiters.map(|limiter| limiter.waited_us).sum())
            .bounded(&status.bulkhead, peak)
    }

    /// With a counter.
    #[must_use]
    pub fn count(mut self, name: &'static str, count: u64) -> Self {
        self.counters.push((name, Unit::Count, count));
        self
    }

    /// With a counter of time.
    #[must_use]
    pub fn microseconds(mut self, name: &'static str, microseconds: u64) -> Self {
        self.counters.push((name, Unit::Microseconds, microseconds));
        self
    }

    /// With a number as it is now.
    #[must_use]
    pub fn gauge(mut self, name: &'static str, number: usize) -> Self {
        self.gauges.push((name, Unit::Count, number as u64));
        self
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = (&'static str, Unit, u64)> {
        self.counters.iter().chain(&self.gauges).copied()
    }

    /// With only what was added to the counters since they were last written; none when nothing was.
    pub(super) fn since(mut self, written: &mut Written) -> Option<Self> {
        let (kind, name) = (self.kind, self.name);
        for (counter, _, number) in &mut self.counters {
            let before = written.entry((kind, name, counter)).or_default();
            let now = (*before).max(*number);
            *number = now - std::mem::replace(before, now);
        }
        self.counters.retain(|(_, _, added)| *added > 0);
        (!self.counters.is_empty()).then_some(self)
    }

    fn new(kind: Kind, name: &'static str) -> Self {
        Self { kind, name, counters: Vec::new(), gauges: Vec::new() }
    }

    /// What every gate has, whatever it protects.
    fn bounded(self, status: &GateStatus, peak: usize) -> Self {
        let Refusals { queue_full, wait_too_long, deadline, evicted, shed } = status.refusals;
        self.count("Admitted", status.admitted)
            .count("RefusedQueueFull", queue_full)
            .count("RefusedWaitTooLong", wait_too_long)
            .count("RefusedDeadline", deadline)
            .count("RefusedEvicted", evicted)
            .count("RefusedShed", shed)
            .count("Waited", status.waited)
            .microseconds("WaitedTime", status.waited_us)
            .gauge("InUsePeak", peak)
            .gauge("Limit", status.adaptive_limit.unwrap_or(status.limit))
    }
}
