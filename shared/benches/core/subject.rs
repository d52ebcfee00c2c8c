//! The dependency that is measured: a provider as shipped, with the fleet's memory at hand.

use std::{
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use shared::{
    clock::Wall,
    control::{Item, Store, StoreFault, Write, Written},
    core::Core,
    deadline::Deadline,
    dependency::{Classify, Dependency, Fleet, Verdict},
    identity::Identity,
    policy::{DependencyLimits, Policy},
};

/// Longer than any run.
const LONG: Duration = Duration::from_secs(3_600);

/// A fleet's memory of one breaker; counts what it is asked.
#[derive(Debug, Default)]
pub struct Memory {
    asked: AtomicU64,
    item: Mutex<Option<Item>>,
}

/// How an attempt fails, where one does.
#[derive(Debug)]
pub struct Failed;

impl Memory {
    /// Reads and writes so far.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    fn item(&self) -> MutexGuard<'_, Option<Item>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.item.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    fn read<'a>(&'a self, _: Deadline, _: &'a str) -> BoxFuture<'a, Result<Option<Item>, StoreFault>> {
        Box::pin(std::future::ready(Ok(self.item().clone())))
    }

    fn write<'a>(&'a self, _: Deadline, _: &'a str, write: &'a Write) -> BoxFuture<'a, Result<Written, StoreFault>> {
        let mut item = self.item();
        let written = match write.apply(item.as_ref()) {
            Some(after) => Written::Done(item.insert(after).clone()),
            None => Written::Lost(item.clone()),
        };
        Box::pin(std::future::ready(Ok(written)))
    }
}

impl Classify for Failed {
    fn verdict(&self) -> Verdict {
        Verdict::Fault
    }
}

/// A provider's limits as shipped, but for what `change` says; and the memory behind its breaker.
pub fn dependency(change: impl FnOnce(&mut DependencyLimits)) -> Result<(Dependency, Arc<Memory>), Box<dyn Error>> {
    let mut policy = Policy::embedded()?;
    change(&mut policy.dependencies.kinds.provider);
    let memory = Arc::new(Memory::default());
    let fleet = Fleet { store: Some(memory.clone()), wall: Wall::System, identity: Identity::random() };
    let core = Core::of(
        policy,
        fleet,
        #[cfg(feature = "aws")]
        aws_config::SdkConfig::builder().build(),
    );
    Ok((core.dependency("measured"), memory))
}

/// A deadline that never passes.
pub fn later() -> Deadline {
    Deadline::within(LONG)
}
