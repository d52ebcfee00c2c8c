//! The rows of the protocol: every way in which a breaker's item may change, each one conditional write.
//!
//! Each write tests what it changes, so that a request that is sent twice, or answered late, changes nothing twice.
//! Each names the generation that it was decided on, so that what is decided on an old view loses.

use super::{
    record::{EXPIRY, Forced, MAX_SLOTS, Record, SUCCESS, Slot, TOKEN},
    rules::{Rules, SKEW_MS},
};
use crate::control::{Attribute, Test, Value, Write};

/// A way to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Row {
    /// F1: one more failure of the run.
    Count,
    /// F0: the first failure of a new run.
    Restart,
    /// F2: the last failure of the run: closed → open.
    Trip,
    /// The share of failures or slow calls is too high: closed → open.
    TripByRatio,
    /// S: a success ends the run.
    Reset,
    /// H: open → half open, with the first slot.
    Begin,
    /// A: takes a slot.
    Acquire(usize),
    /// P+: a probe ended well, others are still out.
    Succeed(usize),
    /// P+: the last probe ended well: half open → closed.
    Close(usize),
    /// P−: a probe failed: half open → open.
    Reopen(usize),
    /// P0: a probe said nothing: its slot is free again.
    Release(usize),
    /// An open time that no rule of ours could have written.
    Repair,
    /// M: an operator decides.
    Force(Forced),
    /// The dependency asked to be left alone until then.
    Park(i64),
}

/// When, by whom and with which chance a row is written.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Milliseconds since the epoch, on the writer's clock.
    pub now: i64,
    /// Unique for each failure and each probe.
    pub nonce: &'a str,
    /// 0 ≤ jitter < 1: recovery is shortened by up to a tenth, never lengthened.
    pub jitter: f64,
}

impl Row {
    /// The write, as decided on `seen`.
    pub fn write(self, seen: &Record, rules: &Rules, moment: Moment<'_>) -> Write {
        let Moment { now, nonce, .. } = moment;
        match self {
            Self::Count | Self::Restart if !seen.exists => created().set("fails", 1).run(rules, moment),
            Self::Count => closed(seen)
                .and_any([Test::AtMost("fails", rules.failure_threshold - 2)])
                .and_any([Test::Above("fail_exp", now)])
                .not_yet(nonce)
                .add("fails", 1)
                .run(rules, moment),
            Self::Restart => closed(seen)
                .and_any([Test::Absent("fail_exp"), Test::AtMost("fail_exp", now)])
                .not_yet(nonce)
                .set("fails", 1)
                .run(rules, moment),
            Self::Trip if !seen.exists => created().open(seen, rules, moment, 0),
            Self::Trip if rules.failure_threshold == 1 => closed(seen).not_yet(nonce).open(seen, rules, moment, 0),
            Self::Trip => closed(seen)
                .and_any([Test::Above("fails", rules.failure_threshold - 2)])
                .and_any([Test::Above("fail_exp", now)])
                .not_yet(nonce)
                .open(seen, rules, moment, 0),
            Self::TripByRatio => closed(seen).open(seen, rules, moment, 0),
            Self::Reset => {
                let last = seen.last.as_deref().map_or(Test::Absent("last"), |last| Test::Equals("last", last.into()));
                let same_run = Test::Equals("fails", Value::Number(seen.failures));
                closed(seen).and_any([same_run]).and_any([last]).set("fails", 0)
            }
            Self::Begin => at(seen, "O").and_any([Test::AtMost("open_until", now)]).half_open(seen, rules, moment),
            Self::Acquire(slot) => at(seen, "H")
                .and_any([Test::Absent(TOKEN[slot]), Test::Absent(SUCCESS[slot])])
                .and_any([Test::Absent(TOKEN[slot]), Test::AtMost(EXPIRY[slot], now - SKEW_MS - 1)])
                .set(TOKEN[slot], nonce)
                .set(EXPIRY[slot], now + rules.permit_ttl),
            Self::Succeed(slot) => holding(seen, slot, nonce)
                .and_any([Test::Absent(SUCCESS[slot])])
                .and_any(others(seen, slot).map(Test::Absent))
                .mark(SUCCESS[slot]),
            Self::Close(slot) => {
                let all = others(seen, slot).map(Test::Present);
                let mut write = holding(seen, slot, nonce);
                write.when.extend(all.map(|test| vec![test]));
                write.close(seen, moment)
            }
            // Nobody may have joined the round since: a write that comes late would end the gap between two rounds
            // while that probe is still out.
            Self::Reopen(slot) => joined(seen)
                .fold(holding(seen, slot, nonce), |write, test| write.and_any([test]))
                .open(seen, rules, moment, seen.reopens + 1),
            Self::Release(slot) => holding(seen, slot, nonce)
                .and_any([Test::Absent(SUCCESS[slot])])
                .and_any([Test::Absent("idle"), Test::AtMost("idle", 1)])
                .add("idle", 1)
                .remove([TOKEN[slot], EXPIRY[slot]]),
            Self::Repair => at(seen, "O")
                .and_any([Test::Equals("open_until", Value::Number(seen.open_until))])
                .set("open_until", now + rules.recovery_after(seen.reopens)),
            Self::Force(forced) => force(seen, forced, moment),
            Self::Park(until) => park(seen, until),
        }
    }
}

/// The parts that rows have in common.
trait Parts {
    fn not_yet(self, nonce: &str) -> Self;
    fn run(self, rules: &Rules, moment: Moment<'_>) -> Self;
    fn open(self, seen: &Record, rules: &Rules, moment: Moment<'_>, reopens: i64) -> Self;
    fn half_open(self, seen: &Record, rules: &Rules, moment: Moment<'_>) -> Self;
    fn close(self, seen: &Record, moment: Moment<'_>) -> Self;
    fn mark(self, attribute: Attribute) -> Self;
}

impl Parts for Write {
    fn not_yet(self, nonce: &str) -> Self {
        self.and_any([Test::Absent("last"), Test::Differs("last", nonce.into())])
    }

    fn run(self, rules: &Rules, moment: Moment<'_>) -> Self {
        self.set("fail_exp", moment.now + rules.failure_window).set("last", moment.nonce)
    }

    fn open(self, seen: &Record, rules: &Rules, moment: Moment<'_>, reopens: i64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "milliseconds of a recovery")]
        let recovery = (rules.recovery_after(reopens) as f64 * (1.0 - 0.1 * moment.jitter)) as i64;
        let opened = self.set("st", "O").set("gen", seen.generation + 1).set("open_until", moment.now + recovery);
        opened.set("reopens", reopens).set("last", moment.nonce).set("at", moment.now).remove(round())
    }

    fn half_open(self, seen: &Record, rules: &Rules, moment: Moment<'_>) -> Self {
        let calls = i64::try_from(rules.half_open_calls.clamp(1, MAX_SLOTS)).unwrap_or(1);
        let begun = self.set("st", "H").set("gen", seen.generation + 1).set("calls", calls).set("at", moment.now);
        let first = begun.set(TOKEN[0], moment.nonce).set(EXPIRY[0], moment.now + rules.permit_ttl);
        first.remove(round().filter(|name| ![TOKEN[0], EXPIRY[0], "calls"].contains(name)))
    }

    fn close(self, seen: &Record, moment: Moment<'_>) -> Self {
        let closed = self.set("st", "C").set("gen", seen.generation + 1).set("fails", 0).set("reopens", 0);
        closed.set("at", moment.now).remove(round().chain(["fail_exp", "last", "open_until"]))
    }

    fn mark(mut self, attribute: Attribute) -> Self {
        self.set.push((attribute, Value::Mark));
        self
    }
}

/// Everything that belongs to one half-open round.
fn round() -> impl Iterator<Item = Attribute> {
    TOKEN.into_iter().chain(EXPIRY).chain(SUCCESS).chain(["calls", "idle"])
}

/// The first write of an item brings all that later conditions ask for.
fn created() -> Write {
    Write::when([Test::Absent("st")]).set("v", 1).set("st", "C").set("gen", 0)
}

fn at(seen: &Record, state: &str) -> Write {
    let same = [Test::Equals("st", state.into()), Test::Equals("gen", Value::Number(seen.generation))];
    Write::when(same).and_any([Test::Absent("ovr"), Test::Equals("ovr", "none".into())])
}

fn closed(seen: &Record) -> Write {
    at(seen, "C")
}

fn holding(seen: &Record, slot: usize, token: &str) -> Write {
    at(seen, "H").and_any([Test::Equals(TOKEN[slot], token.into())])
}

/// Every slot is held by whom it was seen with.
fn joined(seen: &Record) -> impl Iterator<Item = Test> {
    let held = |(slot, name): (&Slot, Attribute)| match slot.token.as_deref() {
        Some(token) => Test::Equals(name, token.into()),
        None => Test::Absent(name),
    };
    seen.slots.iter().zip(TOKEN).take(seen.calls).map(held)
}

fn others(seen: &Record, mine: usize) -> impl Iterator<Item = Attribute> {
    SUCCESS.into_iter().take(seen.calls).enumerate().filter(move |(place, _)| *place != mine).map(|(_, name)| name)
}

fn force(seen: &Record, forced: Forced, moment: Moment<'_>) -> Write {
    let word = match forced {
        Forced::No => "none",
        Forced::Open => "forced_open",
        Forced::Closed => "forced_closed",
    };
    let same = Test::Equals("gen", Value::Number(seen.generation));
    let write = Write::when([]).and_any([Test::Absent("st"), same]).set("v", 1).set("ovr", word);
    write.close(seen, moment)
}

fn park(seen: &Record, until: i64) -> Write {
    if !seen.exists {
        return created().set("park", until);
    }
    Write::when([Test::Present("st")])
        .and_any([Test::Absent("park"), Test::AtMost("park", until - 1)])
        .set("park", until)
}
