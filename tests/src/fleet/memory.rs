//! The fleet's memory in this process. What a write means is `Write::apply`, as everywhere; slowness, outages, lost and
//! repeated requests come by command, or by chance from a seed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use shared::{
    control::{Item, Store, StoreFault, Write, Written},
    deadline::Deadline,
};

/// What the network does to requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// How long each request takes.
    pub latency: Duration,
    /// Nothing is answered: refused at once, or after the caller's patience.
    pub down: bool,
    /// Nothing is answered, ever.
    pub stalled: bool,
    /// The share of requests that never arrive.
    pub lost: f64,
    /// The share of requests that arrive, and whose reply does not.
    pub unanswered: f64,
    /// The share of requests that arrive twice.
    pub repeated: f64,
}

/// Items, and what was asked.
#[derive(Debug)]
pub struct Memory {
    items: Mutex<BTreeMap<String, Item>>,
    weather: Mutex<Weather>,
    chance: Mutex<fastrand::Rng>,
    reads: AtomicU64,
    writes: AtomicU64,
}

impl Memory {
    /// An empty one in good weather.
    #[must_use]
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            items: Mutex::default(),
            weather: Mutex::default(),
            chance: Mutex::new(fastrand::Rng::with_seed(seed)),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        })
    }

    /// Changes the weather.
    pub fn set(&self, weather: Weather) {
        *lock(&self.weather) = weather;
    }

    /// One item as it is.
    #[must_use]
    pub fn item(&self, key: &str) -> Option<Item> {
        lock(&self.items).get(key).cloned()
    }

    /// Reads and writes that arrived.
    #[must_use]
    pub fn traffic(&self) -> (u64, u64) {
        (self.reads.load(Ordering::Relaxed), self.writes.load(Ordering::Relaxed))
    }

    /// The way there: the latency, and whether the request arrives.
    async fn travel(&self, deadline: Deadline) -> Result<Weather, StoreFault> {
        let weather = *lock(&self.weather);
        // The door in front of the real table gives up after this.
        let patience = deadline.or_sooner(Deadline::within(Duration::from_millis(50)));
        if weather.stalled {
            let _ = patience.bound("a stalled memory", std::future::pending::<()>()).await;
            return Err(StoreFault("stalled"));
        }
        let arrived = patience.bound("the way to the memory", tokio::time::sleep(weather.latency)).await.is_ok();
        if weather.down || !arrived || self.happens(weather.lost) {
            return Err(StoreFault("unreachable"));
        }
        Ok(weather)
    }

    fn happens(&self, share: f64) -> bool {
        share > 0.0 && lock(&self.chance).f64() < share
    }

    fn change(&self, key: &str, write: &Write) -> Written {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let mut items = lock(&self.items);
        match write.apply(items.get(key)) {
            Some(after) => {
                items.insert(key.to_owned(), after.clone());
                Written::Done(after)
            }
            None => Written::Lost(items.get(key).cloned()),
        }
    }
}

impl Store for Memory {
    fn read<'a>(&'a self, deadline: Deadline, key: &'a str) -> BoxFuture<'a, Result<Option<Item>, StoreFault>> {
        Box::pin(async move {
            let weather = self.travel(deadline).await?;
            self.reads.fetch_add(1, Ordering::Relaxed);
            let item = self.item(key);
            if self.happens(weather.unanswered) { Err(StoreFault("unanswered")) } else { Ok(item) }
        })
    }

    fn write<'a>(
        &'a self,
        deadline: Deadline,
        key: &'a str,
        write: &'a Write,
    ) -> BoxFuture<'a, Result<Written, StoreFault>> {
        Box::pin(async move {
            let weather = self.travel(deadline).await?;
            let mut written = self.change(key, write);
            if self.happens(weather.repeated) {
                written = self.change(key, write);
            }
            if self.happens(weather.unanswered) { Err(StoreFault("unanswered")) } else { Ok(written) }
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
