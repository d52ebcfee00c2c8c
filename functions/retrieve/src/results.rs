//! Passages that were found a moment ago, and those that are being sought: equal questions are searched once.
//!
//! What is kept goes with the state of the shelves that it was found on. Whoever asks the same is asked, by one short statement,
//! which shelves there are for them and in which state: only when these are the same are the passages. So nobody is shown what
//! they may not read, and what was put or deleted meanwhile counts at once. Degraded answers are not kept, nor those whose
//! searches saw different states.
//!
//! Keys are digests, so that no question rests here. Bounded by size and age.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::future::Cache;
use sha2::{Digest, Sha256};
use shared::{
    contract::retrieve::{Passage, RetrieveReply},
    deadline::Deadline,
    metrics::Sample,
    policy,
};

use crate::{error::Error, query::Query, store::Versions};

/// Bytes of passages that are kept, or about so many: a thousand usual replies.
const MOST: u64 = 16 << 20;
/// What a passage takes beside its text, its title and its address.
const OVERHEAD: usize = 256;

/// Passages by question. Clones share them.
#[derive(Clone, Debug)]
pub struct Results {
    kept: Cache<Key, Kept>,
    counts: Arc<Counts>,
}

/// A question, as far as an answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

/// What a search gave.
#[derive(Clone, Debug)]
pub struct Searched {
    /// The reply.
    pub reply: RetrieveReply,
    /// The state that was searched; none when it was more than one.
    pub versions: Option<Versions>,
}

/// What there is for a question.
#[derive(Debug)]
pub enum Found {
    /// What was found a moment ago.
    Kept(Arc<[Passage]>),
    /// What was found now.
    Searched(RetrieveReply),
}

#[derive(Clone, Debug)]
struct Kept {
    passages: Arc<[Passage]>,
    versions: Versions,
}

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
}

/// The search for an equal question gave nothing that may be kept.
#[derive(Debug)]
struct NotKept;

impl Key {
    /// Of `query`, by these settings.
    pub fn of(query: &Query, settings: &policy::Retrieve) -> Self {
        Self(Sha256::digest(format!("{query:?} {settings:?}")).into())
    }
}

impl Results {
    /// Keeps them for so long.
    pub fn new(age: Duration) -> Self {
        let kept =
            Cache::builder().max_capacity(MOST).weigher(|_, kept: &Kept| kept.weight()).time_to_live(age).build();
        Self { kept, counts: Arc::default() }
    }

    /// What is kept of the question when it is of the state that `now` gives, or what an equal one brings that is under way,
    /// or what `search` gives.
    pub async fn find<S, V>(
        &self,
        deadline: Deadline,
        key: Key,
        search: impl Fn() -> S,
        now: impl Fn() -> V,
    ) -> Result<Found, Error>
    where
        S: Future<Output = Result<Searched, Error>>,
        V: Future<Output = Result<Versions, Error>>,
    {
        let mut led = None;
        let lead = async {
            let searched = search().await;
            let kept = searched.as_ref().ok().and_then(Kept::of);
            led = Some(searched);
            kept.ok_or(NotKept)
        };
        let found = deadline.bound("an equal question", Box::pin(self.kept.try_get_with(key, lead))).await;
        if let Some(searched) = led {
            self.counts.misses.fetch_add(1, Ordering::Relaxed);
            return Ok(Found::Searched(searched?.reply));
        }
        let found = found.map_err(|_| Error::Late("an equal question"))?;
        if let Ok(kept) = found
            && now().await.is_ok_and(|versions| versions == kept.versions)
        {
            self.counts.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Found::Kept(kept.passages));
        }
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
        let searched = search().await?;
        if let Some(kept) = Kept::of(&searched) {
            self.kept.insert(key, kept).await;
        }
        Ok(Found::Searched(searched.reply))
    }

    /// Questions that were answered by what was kept, and that were searched, since the start.
    pub fn sample(&self) -> Sample {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counts { hits, misses } = self.counts.as_ref();
        Sample::of_pool("results").count("CacheHits", count(hits)).count("CacheMisses", count(misses))
    }
}

impl Kept {
    /// Nothing of what is degraded: the next one may have more luck.
    fn of(searched: &Searched) -> Option<Self> {
        let Searched { reply, versions } = searched;
        let versions = versions.clone().filter(|_| reply.degraded.is_empty())?;
        Some(Self { passages: reply.passages.as_slice().into(), versions })
    }

    fn weight(&self) -> u32 {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let bytes = |passage: &Passage| passage.text.len() + text(&passage.title) + text(&passage.url) + OVERHEAD;
        let whole = OVERHEAD + self.passages.iter().map(bytes).sum::<usize>();
        u32::try_from(whole).unwrap_or(u32::MAX)
    }
}
