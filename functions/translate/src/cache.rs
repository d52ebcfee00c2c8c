//! Translations that were made a moment ago, in this process.
//!
//! Keys and values are masked text, so nothing of a patient rests here. Bounded by entries and age (policy,
//! `translate.cache_entries` and `cache_ttl`).

use std::sync::Arc;

use moka::sync::Cache as Moka;
use shared::policy;

use crate::language::Pair;

/// Sealed text → translation, by provider and pair. Clones share it.
#[derive(Clone, Debug)]
pub struct Cache(Moka<Key, Arc<str>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    provider: &'static str,
    pair: Pair,
    text: String,
}

impl Cache {
    /// An empty cache within the policy's bounds.
    #[must_use]
    pub fn new(policy: &policy::Translate) -> Self {
        Self(Moka::builder().max_capacity(policy.cache_entries).time_to_live(policy.cache_ttl).build())
    }

    /// What `provider` made of `text` before.
    #[must_use]
    pub fn get(&self, provider: &'static str, pair: Pair, text: &str) -> Option<Arc<str>> {
        self.0.get(&Key { provider, pair, text: text.to_owned() })
    }

    /// Keeps what `provider` made of `text`.
    pub fn put(&self, provider: &'static str, pair: Pair, text: &str, translation: &str) {
        self.0.insert(Key { provider, pair, text: text.to_owned() }, translation.into());
    }

    /// How many translations are held; a moment behind.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.entry_count()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
