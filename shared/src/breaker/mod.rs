//! The circuit breaker: a service that fails is left alone, by the whole fleet, and tried again by a few calls.
//!
//! [`decide`] says what to do and [`row`] how the fleet's item changes; both are pure and model-checked. This file
//! is the thin shell: it keeps a view of the item, writes what was decided, and falls back to an item of its own
//! while the store is away. A healthy call writes nothing and, within the view's time, reads nothing.

mod admission;
pub mod decide;
pub mod ratio;
pub mod record;
pub mod row;
pub mod rules;
mod settle;
mod status;
mod view;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::time::Instant;

use self::{
    admission::Place,
    decide::{Entry, Pass, enter, was_mine},
    ratio::Tally,
    record::Record,
    row::{Moment, Row},
    rules::{Rules, SUSPICIOUS_SKEW_MS},
    view::{Freshness, View},
};
pub use self::{
    admission::{Admission, Leave},
    decide::{Refusal, Verdict},
    record::{ATTRIBUTES, Forced, State},
    status::BreakerStatus,
};
use crate::{
    clock::{self, Wall},
    control::{Item, Store, StoreFault, Write},
    deadline::Deadline,
    identity::Identity,
    policy::{BreakerMode, BreakerWithoutStore, DependencyLimits, Scope},
};

/// A lost condition shows the newest item; more rounds than this mean that others decide faster than we can.
const MAX_ROUNDS: usize = 6;

/// One lost reply is no outage: before an environment tries on its own what the fleet holds open, the store was away for
/// this long.
const OUTAGE: Duration = Duration::from_secs(2);

/// The breaker of one dependency, as one environment sees it.
#[derive(Debug)]
pub struct Breaker {
    name: &'static str,
    key: String,
    store: Option<Arc<dyn Store>>,
    wall: Wall,
    identity: Identity,
    settings: ArcSwap<Settings>,
    memory: Mutex<Memory>,
    asking: tokio::sync::Mutex<()>,
    refused: AtomicU64,
    transitions: AtomicU64,
}

#[derive(Debug)]
struct Settings {
    rules: Rules,
    mode: BreakerMode,
    scope: Scope,
    without_store: BreakerWithoutStore,
}

#[derive(Debug, Default)]
struct Memory {
    view: View,
    /// The item of this environment alone: all there is for a breaker of its own, else what stands in for the
    /// fleet's while the store is away.
    own: Option<Item>,
    refreshing: bool,
    /// Since when the store has not answered.
    away_since: Option<Instant>,
    /// One success ends a run; others need not write it as well.
    last_reset: Option<Instant>,
    tally: Tally,
    reports: u64,
}

/// Not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When coming back makes sense.
    pub retry_after: Duration,
    /// Why.
    pub why: Refusal,
}

impl Breaker {
    /// The breaker of `name`; without a store, one of this environment alone.
    pub fn new(
        name: &'static str,
        limits: &DependencyLimits,
        store: Option<Arc<dyn Store>>,
        wall: Wall,
        identity: Identity,
    ) -> Self {
        Self {
            name,
            key: key(name),
            store,
            wall,
            identity,
            settings: ArcSwap::from_pointee(Settings::of(limits)),
            memory: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            refused: AtomicU64::new(0),
            transitions: AtomicU64::new(0),
        }
    }

    /// Takes on new limits.
    pub fn adopt(&self, limits: &DependencyLimits) {
        self.settings.store(Arc::new(Settings::of(limits)));
    }

    /// Asks for leave to call. `store` bounds what may be spent on asking the fleet.
    pub async fn admit(&self, store: Deadline) -> Result<Admission<'_>, Refused> {
        let settings = self.settings.load();
        if settings.mode == BreakerMode::Disabled {
            return Ok(self.pass(None, Place::Own, None));
        }
        let admitted = match self.store_of(&settings) {
            None => self.admit_alone(&settings.rules),
            Some(fleet) => self.admit_with(&**fleet, &settings, store).await,
        };
        match admitted {
            Err(_) if settings.mode == BreakerMode::MetricsOnly => Ok(self.pass(None, Place::Own, None)),
            Err(refused) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(refused)
            }
            admitted => admitted,
        }
    }

    /// Whether the view wants to be renewed while a call goes out. Says so to one caller at a time.
    pub fn wants_refresh(&self) -> Option<Refresh<'_>> {
        let mut memory = self.memory();
        let stale = memory.view.freshness(clock::now()) == Freshness::Stale;
        let due = stale && !memory.refreshing && self.store_of(&self.settings.load()).is_some();
        memory.refreshing |= due;
        due.then(|| Refresh(self))
    }

    async fn admit_with(
        &self,
        fleet: &dyn Store,
        settings: &Settings,
        deadline: Deadline,
    ) -> Result<Admission<'_>, Refused> {
        let mut nonce = String::new();
        for _ in 0..MAX_ROUNDS {
            let Some(seen) = self.usable_view() else {
                if self.renew(fleet, deadline).await.is_err() {
                    return self.admit_without(settings);
                }
                continue;
            };
            match enter(&seen, self.wall.now_ms(), &settings.rules) {
                Entry::Admit if self.memory().own.is_some() => return self.admit_alone(&settings.rules.alone()),
                Entry::Admit => return Ok(self.pass(Some((&seen, None, String::new())), Place::Fleet, None)),
                Entry::Refuse { until, why } => return Err(self.refusal(until, why)),
                // Whoever's clock is off must not decide by time.
                Entry::Try(_) if fleet.clock_skew_ms().abs() > SUSPICIOUS_SKEW_MS => {
                    tracing::warn!(dependency = self.name, skew_ms = fleet.clock_skew_ms(), "clock_skew");
                    return Err(self.refusal(self.wall.now_ms() + decide::SOON_MS, Refusal::Open));
                }
                Entry::Try(row) => {
                    if nonce.is_empty() {
                        nonce = self.identity.nonce();
                    }
                    let Ok(won) = self.write(fleet, deadline, row, &seen, &nonce, &settings.rules).await else {
                        return self.admit_without(settings);
                    };
                    let Some(record) = won else { continue };
                    if let Some(slot) = record.slot_of(&nonce) {
                        let until = record.slots[slot].expires - 2 * rules::SKEW_MS;
                        return Ok(self.pass(Some((&record, Some(slot), nonce)), Place::Fleet, Some(until)));
                    }
                }
            }
        }
        Err(self.refusal(self.wall.now_ms() + decide::SOON_MS, Refusal::Open))
    }

    /// While the store is away: what was last seen holds until its time is over, then this environment decides alone.
    fn admit_without(&self, settings: &Settings) -> Result<Admission<'_>, Refused> {
        let now = self.wall.now_ms();
        let mut memory = self.memory();
        let away = memory.away_since.get_or_insert_with(clock::now).elapsed();
        if memory.view.asked.is_none() && settings.without_store == BreakerWithoutStore::Open {
            return Err(self.refusal(now + decide::SOON_MS, Refusal::Open));
        }
        if memory.own.is_none() {
            let seen = &memory.view.record;
            if let Entry::Refuse { until, why } = enter(seen, now, &settings.rules)
                && seen.state != State::HalfOpen
            {
                return Err(self.refusal(until, why));
            }
            let closed = seen.state == State::Closed || seen.forced == Forced::Closed;
            if !closed && away < OUTAGE {
                return Err(self.refusal(now + decide::SOON_MS, Refusal::Open));
            }
            // Not closed and not refused: it is time to try, with one call.
            let begun = |item: &mut Item| {
                item.set("st", "O".into());
                item.set("open_until", now.into());
            };
            let mut own: Item = [("st", "C".into()), ("gen", 0.into())].into_iter().collect();
            (!closed).then(|| begun(&mut own));
            memory.own = Some(own);
            tracing::warn!(dependency = self.name, "store_degraded");
        }
        drop(memory);
        self.admit_alone(&settings.rules.alone())
    }

    fn admit_alone(&self, rules: &Rules) -> Result<Admission<'_>, Refused> {
        let now = self.wall.now_ms();
        let mut memory = self.memory();
        let seen = Record::of(memory.own.as_ref());
        match enter(&seen, now, rules) {
            Entry::Admit => {
                drop(memory);
                Ok(self.pass(Some((&seen, None, String::new())), Place::Own, None))
            }
            Entry::Refuse { until, why } => Err(self.refusal(until, why)),
            Entry::Try(row) => {
                let nonce = self.identity.nonce();
                let write = row.write(&seen, rules, Moment { now, nonce: &nonce, jitter: self.identity.jitter() });
                write.change(&mut memory.own);
                let record = Record::of(memory.own.as_ref());
                drop(memory);
                self.noticed(&seen, &record);
                match record.slot_of(&nonce) {
                    Some(slot) => Ok(self.pass(Some((&record, Some(slot), nonce)), Place::Own, None)),
                    None => Err(self.refusal(now + decide::SOON_MS, Refusal::Open)),
                }
            }
        }
    }

    /// Writes `row`, decided on `seen`. The record as it is then when it was ours, nothing when others were faster.
    async fn write(
        &self,
        fleet: &dyn Store,
        deadline: Deadline,
        row: Row,
        seen: &Record,
        nonce: &str,
        rules: &Rules,
    ) -> Result<Option<Record>, StoreFault> {
        let moment = Moment { now: self.wall.now_ms(), nonce, jitter: self.identity.jitter() };
        let write = row.write(seen, rules, moment);
        let pass = Pass { generation: seen.generation, slot: None, nonce: nonce.to_owned() };
        let (record, won) = self.send(fleet, deadline, &write).await?;
        Ok((won || was_mine(row, &record, &pass)).then_some(record))
    }

    /// Every answer, won or lost, renews the view.
    async fn send(&self, fleet: &dyn Store, deadline: Deadline, write: &Write) -> Result<(Record, bool), StoreFault> {
        let asked = clock::now();
        let (item, won) = fleet.write(deadline, &self.key, write).await?.seen();
        Ok((self.see(item, asked), won))
    }

    async fn refresh(&self, fleet: &dyn Store, deadline: Deadline) -> Result<(), StoreFault> {
        let asked = clock::now();
        let item = fleet.read(deadline, &self.key).await?;
        self.see(item, asked);
        Ok(())
    }

    fn see(&self, item: Option<Item>, asked: Instant) -> Record {
        let view = View::of(item, asked, self.wall.now_ms(), self.identity.jitter());
        let record = view.record.clone();
        let mut memory = self.memory();
        // Answers overtake each other; generations do not go back.
        let newer = memory.view.asked.is_none_or(|last| last <= asked);
        let before = memory.view.record.clone();
        if newer || record.generation > before.generation {
            memory.view = view;
        }
        // The fleet speaks again: what this environment thought alone no longer counts.
        let alone = memory.own.take().is_some();
        memory.away_since = None;
        drop(memory);
        if alone {
            tracing::info!(dependency = self.name, "store_recovered");
        }
        if record.generation > before.generation {
            self.noticed(&before, &record);
        }
        record
    }

    fn noticed(&self, before: &Record, after: &Record) {
        if before.state != after.state {
            self.transitions.fetch_add(1, Ordering::Relaxed);
            let (from, to) = (before.state.label(), after.state.label());
            tracing::warn!(dependency = self.name, from, to, generation = after.generation, "breaker_transition");
        }
    }

    /// The view, if it may be used. While this environment stands alone only a fresh one may: it is what ends that.
    fn usable_view(&self) -> Option<Record> {
        let memory = self.memory();
        let freshness = memory.view.freshness(clock::now());
        let usable = freshness == Freshness::Fresh || (freshness == Freshness::Stale && memory.own.is_none());
        usable.then(|| memory.view.record.clone())
    }

    /// Asks the fleet; whoever comes meanwhile waits for that answer.
    async fn renew(&self, fleet: &dyn Store, deadline: Deadline) -> Result<(), StoreFault> {
        let asking = deadline.bound("the breaker's view", self.asking.lock()).await;
        let _asking = asking.map_err(|_| StoreFault("slow"))?;
        if self.usable_view().is_some() { Ok(()) } else { self.refresh(fleet, deadline).await }
    }

    fn last_view(&self) -> Record {
        self.memory().view.record.clone()
    }

    fn refusal(&self, until: i64, why: Refusal) -> Refused {
        let left = u64::try_from(until - self.wall.now_ms()).unwrap_or(0);
        Refused { retry_after: Duration::from_millis(left), why }
    }

    fn store_of(&self, settings: &Settings) -> Option<&Arc<dyn Store>> {
        self.store.as_ref().filter(|_| settings.scope == Scope::Fleet)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The item of a breaker.
pub fn key(name: &str) -> String {
    format!("CB#{name}")
}

impl Settings {
    fn of(limits: &DependencyLimits) -> Self {
        let breaker = &limits.breaker;
        Self {
            rules: Rules::of(limits),
            mode: breaker.mode,
            scope: breaker.scope,
            without_store: breaker.without_store,
        }
    }
}

/// A view on its way; whoever holds it renews it, and lets others try when it is dropped.
#[derive(Debug)]
pub struct Refresh<'a>(&'a Breaker);

impl Refresh<'_> {
    /// Asks the fleet. A failure leaves the old view.
    pub async fn run(self, deadline: Deadline) {
        if let Some(fleet) = self.0.store.clone() {
            let _ = self.0.refresh(&*fleet, deadline).await;
        }
    }
}

impl Drop for Refresh<'_> {
    fn drop(&mut self) {
        self.0.memory().refreshing = false;
    }
}
