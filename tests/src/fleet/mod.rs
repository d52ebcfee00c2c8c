//! Many environments in one process: each with a clock and a chance of its own, all with one memory that misbehaves
//! on command.

mod memory;

use std::sync::Arc;

use aws_config::SdkConfig;
use shared::{
    clock::{self, Wall},
    control::Store,
    core::Core,
    dependency::{Classify, Fleet, Verdict},
    identity::Identity,
    policy::Policy,
};

pub use memory::{Memory, Weather};

/// An environment whose clock is ahead by `skew_ms`.
#[must_use]
pub fn environment(number: usize, policy: Policy, store: Option<Arc<dyn Store>>, skew_ms: i64) -> Core {
    let wall = Wall::Virtual { since: clock::now(), skew_ms };
    environment_at(number, policy, store, wall)
}

/// An environment with the clock `wall`; all of a fleet must begin at the same moment.
#[must_use]
pub fn environment_at(number: usize, policy: Policy, store: Option<Arc<dyn Store>>, wall: Wall) -> Core {
    let identity = Identity::seeded(&format!("env{number}"), number as u64);
    Core::of(policy, Fleet { store, wall, identity }, SdkConfig::builder().build())
}

/// How a call to a pretended provider ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}")]
pub struct Ends(pub Verdict);

impl Classify for Ends {
    fn verdict(&self) -> Verdict {
        self.0
    }
}
