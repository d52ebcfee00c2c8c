//! Passages that were found a moment ago, and those that are being sought: equal questions are searched once.
//!
//! What is kept goes with the state of the shelves that it was found on. Whoever asks the same is asked, by one short statement,
//! which shelves there are for them and in which state: only when these are the same are the passages. So nobody is shown what
//! they may not read, and what was put or deleted meanwhile counts at once. Degraded answers are not kept, nor those whose
//! searches saw different states.
//!
//! After a change the first to ask search side by side, and so do those in turn who see different shelves: there is one place
//! for a question. Keys are digests, so that no question rests here. Bounded by size and age.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
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
    /// Keeps as many, and for as long, as `settings` allow.
    pub fn new(settings: &policy::Retrieve) -> Self {
        let kept = Cache::builder().max_capacity(settings.cache_bytes).weigher(|_, kept: &Kept| kept.weight());
        Self { kept: kept.time_to_live(settings.cache_ttl).build(), counts: Arc::default() }
    }

    /// What is kept of the question when it is of the state that `now` gives, or what an equal one brings that is under way,
    /// or what `search` gives, which ends by itself.
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
        let kept =
            self.kept(deadline, key, async { led.insert(search().await).as_ref().ok().and_then(Kept::of) }).await;
        if let (None, Some(kept)) = (&led, kept)
            && now().await.is_ok_and(|versions| versions == kept.versions)
        {
            self.counts.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Found::Kept(kept.passages));
        }
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
        if let Some(searched) = led {
            return Ok(Found::Searched(searched?.reply));
        }
        let searched = search().await?;
        if let Some(kept) = Kept::of(&searched) {
            self.kept.insert(key, kept).await;
        }
        Ok(Found::Searched(searched.reply))
    }

    /// What is kept, what an equal question that is under way brings, or what `lead` gives, which then is not cut. Who waits for
    /// another keeps half of the time for searching alone.
    async fn kept(&self, deadline: Deadline, key: Key, lead: impl Future<Output = Option<Kept>>) -> Option<Kept> {
        let leads = AtomicBool::new(false);
        let lead = async {
            leads.store(true, Ordering::Relaxed);
            lead.await.ok_or(NotKept)
        };
        let mut finding = Box::pin(self.kept.try_get_with(key, lead));
        let patience = Deadline::within(deadline.remaining() / 2);
        match patience.bound("an equal question", &mut finding).await {
            Ok(found) => found.ok(),
            Err(_) if leads.load(Ordering::Relaxed) => finding.await.ok(),
            Err(_) => None,
        }
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
        let versions = versions.filter(|_| reply.degraded.is_empty())?;
        Some(Self { passages: reply.passages.as_slice().into(), versions })
    }

    fn weight(&self) -> u32 {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let bytes = |passage: &Passage| passage.text.len() + text(&passage.title) + text(&passage.url) + OVERHEAD;
        let whole = OVERHEAD + self.passages.iter().map(bytes).sum::<usize>();
        u32::try_from(whole).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use futures_util::future::join;
    use shared::{
        clock,
        contract::retrieve::{Filter, RetrieveRequest},
        policy::Policy,
    };

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn searched_after(time: Duration) -> Result<Searched, Error> {
        tokio::time::sleep(time).await;
        let (passages, degraded) = (Vec::new(), Vec::new());
        let reply = RetrieveReply { passages, asked: 1, got: 0, degraded, timings_ms: BTreeMap::new() };
        Ok(Searched { reply, versions: Some(Versions::default()) })
    }

    async fn unchanged() -> Result<Versions, Error> {
        Ok(Versions::default())
    }

    #[test]
    fn whatever_an_answer_depends_on_is_in_the_key() {
        let mut settings = Policy::embedded().unwrap().retrieve;
        let key = |change: &dyn Fn(&mut RetrieveRequest), settings: &policy::Retrieve| {
            let mut request = RetrieveRequest { query: "copay".into(), ..RetrieveRequest::default() };
            change(&mut request);
            Key::of(&Query::new(request).unwrap(), settings)
        };
        let same = key(&|_| (), &settings);
        assert_eq!(key(&|_| (), &settings), same);
        let changes: [&dyn Fn(&mut RetrieveRequest); 8] = [
            &|request| request.query.push('s'),
            &|request| request.original_query = Some("copago".into()),
            &|request| request.k = Some(6),
            &|request| request.per_document = Some(2),
            &|request| request.rerank = Some(false),
            &|request| request.collection = Some("other".into()),
            &|request| request.filter = Some(Filter { language: Some("es".into()), ..Filter::default() }),
            &|request| request.filter = Some(Filter { document_ids: Some(vec!["a".into()]), ..Filter::default() }),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert_ne!(key(change, &settings), same, "{number}");
        }
        settings.reranking.dense += 0.01;
        assert_ne!(key(&|_| (), &settings), same, "settings change while requests run");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_searches_alone() {
        let (results, key) = (Results::new(&Policy::embedded().unwrap().retrieve), Key([0; 32]));
        let began = clock::now();
        let slow = results.find(Deadline::within(20 * SECOND), key, || searched_after(15 * SECOND), unchanged);
        let hurried = async {
            let found = results.find(Deadline::within(4 * SECOND), key, || searched_after(SECOND), unchanged).await;
            (found, clock::now() - began)
        };
        let (slow, (hurried, took)) = join(slow, hurried).await;
        assert!(matches!((slow, hurried), (Ok(Found::Searched(_)), Ok(Found::Searched(_)))));
        assert_eq!((took, clock::now() - began), (3 * SECOND, 15 * SECOND), "who leads has all of the time");
        let known = results.find(Deadline::within(SECOND), key, || searched_after(SECOND), unchanged).await;
        assert!(matches!(known, Ok(Found::Kept(_))));
    }
}
