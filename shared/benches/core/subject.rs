//! The dependency that is measured: a provider as shipped, with the fleet's memory at hand.

use std::{
    error::Error,
    sync::{
        Arc,
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

/// A fleet's memory in which all breakers are closed; counts what it is asked.
#[derive(Debug, Default)]
pub struct Memory(AtomicU64);

/// The fault of attempts that have none.
#[derive(Debug)]
pub enum Never {}

impl Memory {
    /// Reads and writes so far.
    pub fn asked(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Store for Memory {
    fn read<'a>(&'a self, _: Deadline, _: &'a str) -> BoxFuture<'a, Result<Option<Item>, StoreFault>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(None)))
    }

    fn write<'a>(&'a self, _: Deadline, _: &'a str, write: &'a Write) -> BoxFuture<'a, Result<Written, StoreFault>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(write.apply(None).map_or(Written::Lost(None), Written::Done))))
    }
}

impl Classify for Never {
    fn verdict(&self) -> Verdict {
        match *self {}
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
