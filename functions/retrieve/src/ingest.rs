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
/// Passages between two words about the progress: a second or two.
const STEP: usize = 32;
/// Nobody reads more reasons, and a file of another kind has one in each of its lines.
const MOST_REPORTED: usize = 10_000;
/// A document with thousands of passages is still one transaction. Nobody waits for it.
pub const WRITE_LIMIT: Duration = Duration::from_secs(600);
/// A service may be slow with a batch, and its limit may leave no turn for a while.
const EMBED_LIMIT: Duration = Duration::from_secs(60);
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

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the source whose documents are cut and embedded, which is nearly all the work.
    pub bytes: u64,
    /// Passages that were embedded.
    pub passages: usize,
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
    /// Documents that were left out.
    pub left_out: usize,
    /// The first of them: the place and the reason.
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

/// A document of the source, or why it is left out.
struct Checked {
    place: String,
    read: u64,
    document: Result<Document, String>,
}

type Ready = (Arc<Document>, Vec<IndexedChunk>);

/// The shipped policy with time for bulk writes and an embedding service, which no request waits for.
pub fn patient(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    if let Some(writes) = policy.dependencies.overrides.get_mut("postgres_write") {
        writes.limits.timeout = WRITE_LIMIT;
    }
    if let Some(embeddings) = policy.dependencies.overrides.get_mut("embeddings") {
        embeddings.limits.timeout = EMBED_LIMIT;
        embeddings.limits.rate.iter_mut().for_each(|rate| rate.max_wait = EMBED_LIMIT);
    }
    policy
}

impl Ingest {
    /// Loads into `destination`.
    pub fn new(store: Store, embedder: Embedder, destination: Destination) -> Self {
        Self { store, embedder, destination, seen: HashSet::new(), summary: Summary::default() }
    }

    /// Loads everything of `source`; `progress` hears of every few passages, and of every window of documents. Fails when
    /// the database or the model does; what was written by then stays.
    pub async fn run(
        mut self,
        mut source: Source,
        mut progress: impl FnMut(Progress, &Summary),
    ) -> Result<Summary, Error> {
        indexing::admit(self.destination.visibility, &self.embedder)?;
        let mut ready: Vec<Ready> = Vec::new();
        let mut so_far = Progress::default();
        loop {
            let window;
            (source, window) = self.read(source).await?;
            let Some(read) = window.last().map(|item| item.read) else { break };
            let changed = self.accepted(window);
            let changed = self.changed(changed).await?;
            let step = |done: usize, of: usize| {
                let part = read.saturating_sub(so_far.bytes) * done as u64 / of.max(1) as u64;
                progress(Progress { bytes: so_far.bytes + part, passages: so_far.passages + done }, &self.summary);
            };
            // Without a database nothing is waited for; without a model, what is ready is written first.
            let next = async { Ok(self.prepare(changed, step).await) };
            let ((), next) = tokio::try_join!(self.write(&ready), next)?;
            self.count(&ready);
            ready = next?;
            so_far.passages += ready.iter().map(|(_, chunks)| chunks.len()).sum::<usize>();
            so_far.bytes = read;
            progress(so_far, &self.summary);
        }
        self.write(&ready).await?;
        self.count(&ready);
        Ok(self.summary)
    }

    /// The next documents of the source, read where it cannot stall the reactor: a PDF may take seconds.
    async fn read(&self, mut source: Source) -> Result<(Source, Vec<Checked>), Error> {
        let destination = self.destination.clone();
        let read = move || {
            let window = window(&mut source, &destination);
            (source, window)
        };
        Ok(self.embedder.compute(Deadline::within(COMPUTE_LIMIT), read).await?)
    }

    /// Those that can be stored. Two versions under one id would replace each other on every run.
    fn accepted(&mut self, window: Vec<Checked>) -> Vec<Arc<Document>> {
        let mut documents = Vec::with_capacity(window.len());
        for Checked { place, document, .. } in window {
            match document {
                Ok(document) if self.seen.insert(document.key.id.clone()) => documents.push(Arc::new(document)),
                Ok(_) => self.summary.skip(place, "repeats an id".to_owned()),
                Err(reason) => self.summary.skip(place, reason),
            }
        }
        documents
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
    async fn prepare(
        &self,
        documents: Vec<Arc<Document>>,
        step: impl FnMut(usize, usize),
    ) -> Result<Vec<Ready>, Error> {
        let deadline = Deadline::within(COMPUTE_LIMIT);
        let mut cut: Vec<(Arc<Document>, Passages)> = Vec::with_capacity(documents.len());
        for document in documents {
            let passages = indexing::cut(deadline, &document, &self.embedder).await?;
            cut.push((document, passages));
        }
        let texts: Vec<String> = cut.iter().flat_map(|(_, passages)| passages.texts.iter().cloned()).collect();
        let mut vectors = self.embedded(deadline, texts, step).await?.into_iter();
        let mut ready = Vec::with_capacity(cut.len());
        for (document, passages) in cut {
            let own = vectors.by_ref().take(passages.texts.len()).collect();
            let chunks = indexing::analyzed(deadline, &document, passages, own, &self.embedder).await?;
            ready.push((document, chunks));
        }
        Ok(ready)
    }

    /// The vectors of `texts`. `step` hears how many there are already, and of how many.
    async fn embedded(
        &self,
        deadline: Deadline,
        mut texts: Vec<String>,
        mut step: impl FnMut(usize, usize),
    ) -> Result<Vec<Vec<f32>>, Error> {
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&passage| texts[passage].len());
        let mut vectors = vec![Vec::new(); texts.len()];
        let mut done = 0;
        for passages in order.chunks(STEP) {
            let some: Vec<String> = passages.iter().map(|&passage| std::mem::take(&mut texts[passage])).collect();
            let embedded = self.embedder.embed_passages(deadline, &some).await?;
            passages.iter().zip(embedded).for_each(|(&passage, vector)| vectors[passage] = vector);
            done += passages.len();
            step(done, vectors.len());
        }
        Ok(vectors)
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

impl Summary {
    fn skip(&mut self, place: String, reason: String) {
        self.left_out += 1;
        if self.skipped.len() < MOST_REPORTED {
            self.skipped.push(Skipped { place, reason });
        }
    }
}

/// As many documents as are worked on together.
fn window(source: &mut Source, destination: &Destination) -> Vec<Checked> {
    let (mut bytes, mut window) = (0, Vec::new());
    while window.len() < WINDOW && bytes < WINDOW_BYTES {
        let Some(Item { place, read, draft }) = source.next() else { break };
        let document = draft.and_then(|draft| draft.document(destination).map_err(|error| error.to_string()));
        bytes += document.as_ref().map_or(0, |document| document.content.text.len());
        window.push(Checked { place, read, document });
    }
    window
}
