//! A breaker's item, read: one reader and one list of names for everything that stores or reads it.

use crate::control::{Attribute, Item};

/// Most half-open calls of a round.
pub const MAX_SLOTS: usize = 5;
/// Buckets of the sampling duration.
pub const BUCKETS: usize = 6;
/// Places that remember which report of an environment came last.
pub const REPORTERS: usize = 8;

/// Every attribute of a breaker's item.
pub const ATTRIBUTES: &[Attribute] = &[
    "v",
    "st",
    "gen",
    "fails",
    "fail_exp",
    "last",
    "open_until",
    "reopens",
    "calls",
    "idle",
    "ovr",
    "park",
    "why",
    "at",
    "by",
    "t0",
    "t1",
    "t2",
    "t3",
    "t4",
    "x0",
    "x1",
    "x2",
    "x3",
    "x4",
    "k0",
    "k1",
    "k2",
    "k3",
    "k4",
    "e0",
    "e1",
    "e2",
    "e3",
    "e4",
    "e5",
    "s0",
    "s1",
    "s2",
    "s3",
    "s4",
    "s5",
    "f0",
    "f1",
    "f2",
    "f3",
    "f4",
    "f5",
    "w0",
    "w1",
    "w2",
    "w3",
    "w4",
    "w5",
    "q0",
    "q1",
    "q2",
    "q3",
    "q4",
    "q5",
    "q6",
    "q7",
];

/// Who holds a slot: a token for each permit.
pub(super) const TOKEN: [Attribute; MAX_SLOTS] = ["t0", "t1", "t2", "t3", "t4"];
/// When a slot's holder is taken for dead, in milliseconds since the epoch.
pub(super) const EXPIRY: [Attribute; MAX_SLOTS] = ["x0", "x1", "x2", "x3", "x4"];
/// Whether a slot's probe ended well.
pub(super) const SUCCESS: [Attribute; MAX_SLOTS] = ["k0", "k1", "k2", "k3", "k4"];
/// Which bucket of time a place of the ring holds.
pub(super) const EPOCH: [Attribute; BUCKETS] = ["e0", "e1", "e2", "e3", "e4", "e5"];
/// Calls, failures and slow calls of a bucket.
pub(super) const SEEN: [Attribute; BUCKETS] = ["s0", "s1", "s2", "s3", "s4", "s5"];
pub(super) const FAILED: [Attribute; BUCKETS] = ["f0", "f1", "f2", "f3", "f4", "f5"];
pub(super) const SLOW: [Attribute; BUCKETS] = ["w0", "w1", "w2", "w3", "w4", "w5"];
/// The last report of the environments that share a place.
pub(super) const REPORT: [Attribute; REPORTERS] = ["q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7"];

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Calls go out.
    #[default]
    Closed,
    /// Calls are refused.
    Open,
    /// A few calls try whether it is well again.
    HalfOpen,
}

/// What an operator has decided; it takes precedence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Forced {
    /// Nothing.
    #[default]
    No,
    /// No call goes out.
    Open,
    /// Every call goes out.
    Closed,
}

/// One of the permits of a half-open round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The holder's token.
    pub token: Option<String>,
    /// When the holder is taken for dead.
    pub expires: i64,
    /// Whether its call ended well.
    pub ok: bool,
}

/// A breaker's item, as far as decisions need it. Times are milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// Whether there is an item. A missing one is a closed breaker that never saw a failure.
    pub exists: bool,
    /// Where it stands.
    pub state: State,
    /// What an operator decided.
    pub forced: Forced,
    /// Grows with every change of state; late results of an older one are dropped.
    pub generation: i64,
    /// Failures in a row.
    pub failures: i64,
    /// When that run is forgotten.
    pub failures_expire: i64,
    /// The nonce of the last counted failure.
    pub last: Option<String>,
    /// When probes may begin.
    pub open_until: i64,
    /// Failed rounds since it was last closed.
    pub reopens: i64,
    /// Probes of this round that said nothing.
    pub inconclusive: i64,
    /// Until when the dependency asked to be left alone.
    pub parked_until: i64,
    /// How many permits this round has.
    pub calls: usize,
    /// The permits.
    pub slots: [Slot; MAX_SLOTS],
}

impl Record {
    /// Reads an item; what is missing or malformed has its first value.
    pub fn of(item: Option<&Item>) -> Self {
        let Some(item) = item.filter(|item| item.has("st")) else { return Self::default() };
        let number = |name| item.number(name).unwrap_or(0);
        let calls = usize::try_from(number("calls")).unwrap_or(1).clamp(1, MAX_SLOTS);
        Self {
            exists: true,
            state: match item.text("st") {
                Some("O") => State::Open,
                Some("H") => State::HalfOpen,
                _ => State::Closed,
            },
            forced: match item.text("ovr") {
                Some("forced_open") => Forced::Open,
                Some("forced_closed") => Forced::Closed,
                _ => Forced::No,
            },
            generation: number("gen"),
            failures: number("fails"),
            failures_expire: number("fail_exp"),
            last: item.text("last").map(str::to_owned),
            open_until: number("open_until"),
            reopens: number("reopens"),
            inconclusive: number("idle"),
            parked_until: number("park"),
            calls,
            slots: std::array::from_fn(|place| Slot {
                token: item.text(TOKEN[place]).map(str::to_owned),
                expires: number(EXPIRY[place]),
                ok: item.has(SUCCESS[place]),
            }),
        }
    }

    /// The slot that `token` holds.
    pub fn slot_of(&self, token: &str) -> Option<usize> {
        let holds = |slot: &Slot| slot.token.as_deref() == Some(token);
        (self.state == State::HalfOpen).then(|| self.slots.iter().take(self.calls).position(holds)).flatten()
    }

    /// Whether all slots but `mine` hold a success.
    pub fn others_succeeded(&self, mine: usize) -> bool {
        self.slots.iter().take(self.calls).enumerate().all(|(place, slot)| place == mine || slot.ok)
    }

    /// Whether a run of failures is open.
    pub fn has_failures(&self, now: i64) -> bool {
        self.failures > 0 && self.failures_expire > now
    }
}

impl State {
    /// The word for status, events and metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}
