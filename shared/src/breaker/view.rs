//! What an environment last saw of a breaker, and for how long that will do.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    decide::SOON_MS,
    record::{Forced, Record, State},
};
use crate::{clock, control::Item};

/// A closed breaker is looked at again after this ..
const CLOSED_TTL: Duration = Duration::from_secs(5);
/// .. and up to a fifth more, so that the environments of a fleet do not ask at once.
const SPREAD: f64 = 0.2;
/// A closed view is used for this much longer while a new one is on its way. One that is older, as after a freeze or a
/// quiet time, would send calls to what the fleet has long known to be down.
const STALE: Duration = Duration::from_secs(5);

/// The last item that was seen.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// As decisions need it.
    pub record: Record,
    /// As it is stored: the buckets of the ratio are read from it.
    pub item: Option<Item>,
    /// When it was asked for; none: never seen.
    pub asked: Option<Instant>,
    until: Option<Instant>,
}

/// How much a view is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Use it.
    Fresh,
    /// Use it, and look again meanwhile.
    Stale,
    /// Look before use.
    Expired,
}

impl View {
    /// What was seen at `now` (wall clock) of an item that was asked for at `asked`.
    pub fn of(item: Option<Item>, asked: Instant, now: i64, jitter: f64) -> Self {
        let record = Record::of(item.as_ref());
        let until = clock::now() + ttl(&record, now, jitter);
        Self { record, item, asked: Some(asked), until: Some(until) }
    }

    /// How much it is worth now. Only a closed breaker's old view is used while a new one is on its way: to be late
    /// in opening costs a few calls, to be late in closing costs answers.
    pub fn freshness(&self, at: Instant) -> Freshness {
        match self.until {
            None => Freshness::Expired,
            Some(until) if at < until => Freshness::Fresh,
            Some(until) if at < until + STALE && self.is_closed() => Freshness::Stale,
            Some(_) => Freshness::Expired,
        }
    }
}

impl View {
    fn is_closed(&self) -> bool {
        self.record.state == State::Closed && self.record.forced == Forced::No
    }
}

fn ttl(record: &Record, now: i64, jitter: f64) -> Duration {
    let longest = CLOSED_TTL.mul_f64(1.0 + SPREAD * jitter);
    let until = |at: i64| Duration::from_millis(u64::try_from(at - now).unwrap_or(0)).min(CLOSED_TTL);
    let soon = Duration::from_millis(SOON_MS.unsigned_abs());
    match record.state {
        // An operator waits for his word to be heard.
        _ if record.forced != Forced::No => soon,
        State::Closed => longest,
        State::Open => until(record.open_until).max(soon),
        State::HalfOpen => soon,
    }
}
