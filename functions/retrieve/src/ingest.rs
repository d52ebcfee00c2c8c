//! Files and folders into a collection: the steps of `PUT /v1/documents`, many documents at a time.
//!
//! A window of documents is cut and embedded while the one before is written, so both the cores and the database are
//! busy and memory stays bounded. Each document is one transaction and carries the digest of what it was made from:
//! whatever is interrupted is continued by running it again, and what did not change costs one batched look-up. What
//! cannot be read is reported by its place and left out.

mod source;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use serde::Serialize;
use shared::{contract::retrieve::Visibility, deadline::Deadline, policy::Policy};

pub use source::{Item, Source, SourceError};

use crate::{
    document::Document,
    embedding::Embedder,
    error::Error,
    indexing::{self, Passages},
    store::{IndexedChunk, Store},
};

/// Documents that are looked up, embedded and written together: enough to sort passages by length, little to lose.
const WINDOW: usize = 64;
/// ... or fewer, when they are long.
const WINDOW_BYTES: usize = 1 << 20;
/// A document with thousands of passages is still one transaction. Nobody waits for it.
pub const WRITE_LIMIT: Duration = Duration::from_secs(600);
/// A window may be one document of many megabytes.
const COMPUTE_LIMIT: Duration = Duration::from_secs(6 * 3600);

/// Where documents go.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The collection.
    pub collection: String,
    /// Who owns them.
    pub owner: String,
    /// Who may read them.
    pub visibility: Visibility,
}

/// Loads documents into one collection.
#[derive(Debug)]
pub struct Ingest {
    store: Store,
    embedder: Embedder,
    destination: Destination,
    seen: HashSet<String>,
    summary: Summary,
}

/// What became of it all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Documents written.
    pub written: usize,
    /// Their passages.
    pub chunks: usize,
    /// Documents that were there already.
    pub unchanged: usize,
    /// What was left out: the place and the reason.
    pub skipped: Vec<Skipped>,
}

/// A document that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// File, and line where there is one.
    pub place: String,
    /// Why.
    pub reason: String,
}

type Ready = (Arc<Document>, Vec<IndexedChunk>);

/// The shipped policy with time for bulk writes, which no request waits for.
pub fn patient(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    if let Some(writes) = policy.dependencies.overrides.get_mut("postgres_write") {
        writes.limits.timeout = WRITE_LIMIT;
    }
    policy
}

impl Ingest {
    /// Loads into `destination`.
    pub fn new(store: Store, embedder: Embedder, destination: Destination) -> Self {
        Self { store, embedder, destination, seen: HashSet::new(), summary: Summary::default() }
    }

    /// Loads everything of `source`; `progress` hears of every window with the bytes of the source read so far. Fails
    /// when the database or the model does; what was written by then stays.
    pub async fn run(mut self, source: Source, mut progress: impl FnMut(u64, &Summary)) -> Result<Summary, Error> {
        let mut source = source.peekable();
        let mut ready: Vec<Ready> = Vec::new();
        while source.peek().is_some() {
            let (read, window) = self.window(&mut source);
            let changed = self.changed(window).await?;
            let (written, next) = tokio::join!(self.write(&ready), self.prepare(changed));
            written?;
            self.count(&ready);
            ready = next?;
            progress(read, &self.summary);
        }
        self.write(&ready).await?;
        self.count(&ready);
        Ok(self.summary)
    }

    /// The next documents of the source, with the bytes that were read up to them.
    fn window(&mut self, source: &mut impl Iterator<Item = Item>) -> (u64, Vec<Arc<Document>>) {
        let (mut read, mut bytes, mut window) = (0, 0, Vec::new());
        while window.len() < WINDOW && bytes < WINDOW_BYTES {
            let Some(item) = source.next() else { break };
            read = item.read;
            match self.accepted(item) {
                Ok(document) => {
                    bytes += document.content.text.len();
                    window.push(Arc::new(document));
                }
                Err(skipped) => self.summary.skipped.push(skipped),
            }
        }
        (read, window)
    }

    fn accepted(&mut self, item: Item) -> Result<Document, Skipped> {
        let Item { place, draft, .. } = item;
        let skipped = |reason: String| Skipped { place, reason };
        let document = match draft {
            Ok(draft) => draft.document(&self.destination).map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        let document = match document {
            Ok(document) => document,
            Err(reason) => return Err(skipped(reason)),
        };
        // Two versions under one id would replace each other on every run.
        if self.seen.insert(document.key.id.clone()) { Ok(document) } else { Err(skipped("repeats an id".to_owned())) }
    }

    /// Those that are not stored yet in this form.
    async fn changed(&mut self, window: Vec<Arc<Document>>) -> Result<Vec<Arc<Document>>, Error> {
        let Destination { collection, owner, .. } = &self.destination;
        let ids: Vec<&str> = window.iter().map(|document| document.key.id.as_str()).collect();
        let known = self.store.known(Deadline::within(WRITE_LIMIT), owner, collection, &ids).await?;
        let digests: BTreeMap<String, Vec<u8>> = known.into_iter().map(|(id, known)| (id, known.sha256)).collect();
        let model = self.embedder.model();
        let is_stored =
            |document: &Document| digests.get(&document.key.id).is_some_and(|digest| *digest == document.sha256(model));
        let (stored, changed): (Vec<_>, Vec<_>) = window.into_iter().partition(|document| is_stored(document));
        self.summary.unchanged += stored.len();
        Ok(changed)
    }

    /// Cuts and embeds; passages of all documents together, so that batches hold passages of one length.
    async fn prepare(&self, documents: Vec<Arc<Document>>) -> Result<Vec<Ready>, Error> {
        let deadline = Deadline::within(COMPUTE_LIMIT);
        let mut cut: Vec<(Arc<Document>, Passages)> = Vec::with_capacity(documents.len());
        for document in documents {
            let passages = indexing::cut(deadline, &document, &self.embedder).await?;
            cut.push((document, passages));
        }
        let texts: Vec<String> = cut.iter().flat_map(|(_, passages)| passages.texts.iter().cloned()).collect();
        let mut vectors = self.embedder.embed_passages(deadline, &texts).await?.into_iter();
        let mut ready = Vec::with_capacity(cut.len());
        for (document, passages) in cut {
            let own = vectors.by_ref().take(passages.texts.len()).collect();
            let chunks = indexing::analyzed(deadline, &document, passages, own, &self.embedder).await?;
            ready.push((document, chunks));
        }
        Ok(ready)
    }

    async fn write(&self, ready: &[Ready]) -> Result<(), Error> {
        for (document, chunks) in ready {
            let deadline = Deadline::within(WRITE_LIMIT);
            self.store.put(deadline, &self.destination.owner, document, self.embedder.model(), chunks).await?;
        }
        Ok(())
    }

    fn count(&mut self, written: &[Ready]) {
        self.summary.written += written.len();
        self.summary.chunks += written.iter().map(|(_, chunks)| chunks.len()).sum::<usize>();
    }
}
