//! A limiter as one environment sees it: the last item it saw, the fleet's store, and its own share.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use serde::Serialize;

use super::{ARRIVAL_MS, Grant, NotUntil, Quota, block, bucket, reserve, window};
use crate::{
    clock::Wall,
    control::{Item, Store, StoreFault},
    deadline::Deadline,
    policy::{Algorithm, RateLimits, RateWithoutStore, Scope},
    watermark::{Marks, Watermark},
};

/// Others may take the turn that we saw; each loss shows the next one.
const MAX_ROUNDS: usize = 12;
/// Turns that one caller may miss.
const MAX_TURNS: usize = 3;

/// The limiter of one dependency.
#[derive(Debug)]
pub struct RateLimiter {
    key: String,
    /// For warnings: such as `rate/openai`.
    what: String,
    store: Option<Arc<dyn Store>>,
    wall: Wall,
    settings: ArcSwap<Settings>,
    memory: Mutex<Memory>,
    granted: AtomicU64,
    refused: AtomicU64,
    waited_us: AtomicU64,
}

#[derive(Debug)]
struct Settings {
    quota: Quota,
    share: Option<Quota>,
    algorithm: Algorithm,
    without_store: RateWithoutStore,
}

#[derive(Debug, Default)]
struct Memory {
    seen: Option<Item>,
    /// This environment's own item, while the store is away or when there is none.
    own: Option<Item>,
    watermark: Watermark,
}

/// The limit leaves no turn in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// When a turn is likely to be free.
    pub retry_after: Duration,
}

/// What a limiter looks like from this process.
#[derive(Clone, Debug, Serialize)]
pub struct LimiterStatus {
    /// Calls, or tokens, ..
    pub limit: i64,
    /// .. in any time of this length, in milliseconds.
    pub per_ms: i64,
    /// How many of them are taken in the window that ends now, as this environment last saw the fleet's; absent where
    /// the algorithm does not know windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<usize>,
    /// For how much longer the provider asked everybody to wait, in milliseconds.
    pub blocked_ms: u64,
    /// Turns that this environment took.
    pub granted: u64,
    /// Calls that it refused.
    pub refused: u64,
    /// What its calls have waited for their turns, in microseconds.
    pub waited_us: u64,
    /// Whether it keeps to its own share because the store is away.
    pub alone: bool,
}

impl RateLimiter {
    /// The limiter `name`, which `environments` share.
    pub fn new(
        name: &str,
        limits: &RateLimits,
        environments: usize,
        store: Option<Arc<dyn Store>>,
        wall: Wall,
    ) -> Self {
        Self {
            key: format!("RL#{name}"),
            what: format!("rate/{name}"),
            store: store.filter(|_| limits.scope == Scope::Fleet),
            wall,
            settings: ArcSwap::from_pointee(Settings::of(limits, environments)),
            memory: Mutex::default(),
            granted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            waited_us: AtomicU64::new(0),
        }
    }

    /// Takes on new limits.
    pub fn adopt(&self, limits: &RateLimits, environments: usize) {
        self.settings.store(Arc::new(Settings::of(limits, environments)));
    }

    /// Warns from now on by these marks.
    pub fn watch(&self, marks: Marks) {
        self.memory().watermark.adopt(marks);
    }

    /// Looks how the fleet's item is now, for operators. A failure leaves what was last seen.
    pub async fn look(&self, store: Deadline) {
        if let Some(fleet) = &self.store
            && let Ok(item) = fleet.read(store, &self.key).await
        {
            self.memory().seen = item;
        }
    }

    /// Takes a turn of `weight` and waits for it. `store` bounds what may be spent on asking the fleet. A caller that
    /// goes away while it waits forfeits its turn.
    pub async fn acquire(&self, weight: i64, deadline: Deadline, store: Deadline) -> Result<(), TooMany> {
        for _ in 0..MAX_TURNS {
            let patience = i64::try_from(deadline.remaining().as_millis()).unwrap_or(i64::MAX);
            let grant = self.reserve(weight, patience, store).await.map_err(|not| self.refusal(not))?;
            self.wait_for(grant, store).await.map_err(|not| self.refusal(not))?;
            // Who was frozen meanwhile has missed it: the limit counts on calls that come when they may.
            if self.wall.now_ms() - grant.at < ARRIVAL_MS {
                self.granted.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
        }
        Err(self.refusal(NotUntil(self.wall.now_ms() + 1_000)))
    }

    async fn wait_for(&self, grant: Grant, store: Deadline) -> Result<(), NotUntil> {
        let wait = u64::try_from(grant.at - self.wall.now_ms()).unwrap_or(0);
        if wait == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
        self.waited_us.fetch_add(wait * 1_000, Ordering::Relaxed);
        self.still_unblocked(store).await
    }

    /// The provider asked for a pause: nobody in the fleet takes a turn before it is over.
    pub async fn block(&self, wait: Duration, store: Deadline) {
        let write = block(self.wall.now_ms().saturating_add(super::milliseconds(wait)));
        if let Some(fleet) = &self.store {
            let _ = self.send(&**fleet, store, &write).await;
        }
        let mut memory = self.memory();
        write.change(&mut memory.own);
        write.change(&mut memory.seen);
    }

    /// A call weighed `difference` more than it took; less, when negative.
    pub async fn adjust(&self, difference: i64, store: Deadline) {
        let write = bucket::adjust(difference, &self.settings.load().quota);
        match &self.store {
            Some(fleet) => drop(self.send(&**fleet, store, &write).await),
            None => write.change(&mut self.memory().own),
        }
    }

    /// What it looks like now.
    pub fn status(&self) -> LimiterStatus {
        let settings = self.settings.load();
        let (quota, now) = (&settings.quota, self.wall.now_ms());
        let memory = self.memory();
        let item = memory.own.as_ref().or(memory.seen.as_ref());
        let blocked = item.and_then(|item| item.number(super::BLOCK)).map_or(0, |until| until - now);
        LimiterStatus {
            limit: quota.limit,
            per_ms: quota.per,
            used: (settings.algorithm == Algorithm::Window).then(|| window::used(item, now, quota)),
            blocked_ms: u64::try_from(blocked).unwrap_or(0),
            granted: self.granted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            waited_us: self.waited_us.load(Ordering::Relaxed),
            alone: self.store.is_some() && memory.own.is_some(),
        }
    }

    async fn reserve(&self, weight: i64, patience: i64, store: Deadline) -> Result<Grant, NotUntil> {
        let settings = self.settings.load();
        let quota = settings.quota.within(patience);
        let Some(fleet) = &self.store else { return self.step(settings.algorithm, weight, &quota) };
        let mut faults = 0;
        for _ in 0..MAX_ROUNDS {
            let now = self.wall.now_ms();
            let seen = self.memory().seen.clone();
            let (write, grant) = reserve(settings.algorithm, seen.as_ref(), now, weight, &quota)?;
            match self.send(&**fleet, store, &write).await {
                Ok((Some(item), true)) if settings.algorithm == Algorithm::Bucket => {
                    return Ok(bucket::granted(&item, now, &quota));
                }
                Ok((_, true)) => return Ok(grant),
                Ok((_, false)) => {}
                // One lost reply is no outage. The turn that it may have brought is lost with it.
                Err(StoreFault(_)) if faults == 0 => faults += 1,
                Err(StoreFault(_)) => return self.reserve_without(&settings, weight, patience),
            }
        }
        Err(NotUntil(self.wall.now_ms() + 1_000))
    }

    /// While the store is away, this environment keeps to its share, so that all of them together keep the limit.
    fn reserve_without(&self, settings: &Settings, weight: i64, patience: i64) -> Result<Grant, NotUntil> {
        let later = NotUntil(self.wall.now_ms() + 1_000);
        match (settings.without_store, &settings.share) {
            (RateWithoutStore::Admit, _) => Ok(Grant { at: self.wall.now_ms() }),
            (RateWithoutStore::LocalShare, Some(share)) => {
                let share = share.within(patience);
                // It starts with nothing: what the fleet had granted may all have been ours.
                self.memory().own.get_or_insert_with(|| bucket::empty(self.wall.now_ms(), &share));
                self.step(Algorithm::Bucket, weight.min(1), &share)
            }
            (RateWithoutStore::Refuse | RateWithoutStore::LocalShare, _) => Err(later),
        }
    }

    fn step(&self, algorithm: Algorithm, weight: i64, quota: &Quota) -> Result<Grant, NotUntil> {
        let now = self.wall.now_ms();
        let mut memory = self.memory();
        let (write, grant) = reserve(algorithm, memory.own.as_ref(), now, weight, quota)?;
        write.change(&mut memory.own);
        if algorithm == Algorithm::Window {
            let used = window::used(memory.own.as_ref(), now, quota);
            self.note_use(memory, used, quota);
        }
        Ok(grant)
    }

    /// Somebody may have been told to wait while we waited.
    async fn still_unblocked(&self, store: Deadline) -> Result<(), NotUntil> {
        self.look(store).await;
        let now = self.wall.now_ms();
        let blocked = self.memory().seen.as_ref().and_then(|item| item.number(super::BLOCK));
        blocked.filter(|until| *until > now).map_or(Ok(()), |until| Err(NotUntil(until)))
    }

    async fn send(
        &self,
        fleet: &dyn Store,
        store: Deadline,
        write: &crate::control::Write,
    ) -> Result<(Option<Item>, bool), StoreFault> {
        let (item, won) = fleet.write(store, &self.key, write).await?.seen();
        let mut memory = self.memory();
        memory.seen.clone_from(&item);
        memory.own = None;
        let settings = self.settings.load();
        if settings.algorithm == Algorithm::Window {
            let used = window::used(item.as_ref(), self.wall.now_ms(), &settings.quota);
            self.note_use(memory, used, &settings.quota);
        }
        Ok((item, won))
    }

    /// Speaks when the window is nearly full, or no longer; without the lock.
    fn note_use(&self, mut memory: MutexGuard<'_, Memory>, used: usize, quota: &Quota) {
        let crossing = memory.watermark.look(used, usize::try_from(quota.limit).unwrap_or(usize::MAX));
        drop(memory);
        if let Some(crossing) = crossing {
            crossing.tell(&self.what);
        }
    }

    fn refusal(&self, NotUntil(at): NotUntil) -> TooMany {
        self.refused.fetch_add(1, Ordering::Relaxed);
        TooMany { retry_after: Duration::from_millis(u64::try_from(at - self.wall.now_ms()).unwrap_or(0)) }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Quota {
    /// For a caller that has only `patience` milliseconds.
    fn within(&self, patience: i64) -> Self {
        Self { max_wait: self.max_wait.min(patience), ..self.clone() }
    }
}

impl Settings {
    fn of(limits: &RateLimits, environments: usize) -> Self {
        let quota = Quota::of(limits);
        let share = quota.share(environments);
        Self { quota, share, algorithm: limits.algorithm, without_store: limits.without_store }
    }
}
