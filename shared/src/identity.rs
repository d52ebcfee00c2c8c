//! Names for what one environment does: nonces that no other environment has, and chance that tests can repeat.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// One environment. Clones share its numbers.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    name: String,
    count: AtomicU64,
    chance: Mutex<fastrand::Rng>,
}

impl Identity {
    /// A new environment.
    pub fn random() -> Self {
        let id = uuid::Uuid::new_v4().as_u128();
        #[expect(clippy::cast_possible_truncation, reason = "half of a random number is random")]
        let seed = id as u64;
        Self::seeded(&format!("{:012x}", id >> 80), seed)
    }

    /// An environment whose chance can be repeated.
    pub fn seeded(name: &str, seed: u64) -> Self {
        let chance = Mutex::new(fastrand::Rng::with_seed(seed));
        Self(Arc::new(Parts { name: name.to_owned(), count: AtomicU64::new(0), chance }))
    }

    /// Its name; says nothing about machine or account.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// A word that nobody has used before.
    pub fn nonce(&self) -> String {
        format!("{}-{}", self.0.name, self.0.count.fetch_add(1, Ordering::Relaxed))
    }

    /// From 0 to below 1.
    pub fn jitter(&self) -> f64 {
        self.0.chance.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }
}
