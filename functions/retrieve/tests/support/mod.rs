//! A migrated database for each test, on the server that `NAVIGATOR_TEST_POSTGRES` names.

use std::{
    future::Future,
    io::Write,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
    time::Duration,
};

use fastrand::Rng;
use futures_util::FutureExt;
use retrieve::{
    analysis::Analyzer,
    chunker::{self, Chunk},
    document::{Document, DocumentKey},
    store::{Hit, IndexedChunk, Store},
    text::PlainText,
};
use secrecy::SecretString;
use shared::{contract::retrieve::Visibility, core::Core, deadline::Deadline, policy::Policy, postgres::Database};
use tokio::task::JoinSet;
use tokio_postgres::{Client, Config, NoTls};

const SERVER: &str = "NAVIGATOR_TEST_POSTGRES";
const TEMPLATE: &str = "navigator_template";
/// Gets one line for every real part that a test ran against.
const PARTS: &str = "NAVIGATOR_TEST_PARTS";
/// The model that the tests' hand-made vectors are said to be from.
pub const MODEL: &str = "by-hand";

/// A database of its own.
pub struct TestDatabase {
    name: String,
    server: String,
    pub policy: Arc<Policy>,
}

/// Runs `test` on a fresh copy of the migrated template and drops it whatever happens.
pub async fn with_database<F: Future<Output = ()>>(test: &str, run: impl FnOnce(Arc<TestDatabase>) -> F) {
    let database = Arc::new(TestDatabase::create(test).await);
    let outcome = AssertUnwindSafe(run(Arc::clone(&database))).catch_unwind().await;
    database.remove().await;
    if let Err(panicked) = outcome {
        resume_unwind(panicked);
    }
}

impl TestDatabase {
    async fn create(test: &str) -> Self {
        let server = std::env::var(SERVER).unwrap_or_else(|_| {
            panic!("{SERVER} is not set: this test needs the URL of a Postgres superuser and a database {TEMPLATE}")
        });
        let name = format!("retrieve_{}", uuid::Uuid::new_v4().simple());
        let (admin, _driver) = connect(&server, "postgres").await;
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER navigator_owner"))
            .await
            .unwrap();
        note(&format!("postgres {test}"));
        Self { name, server, policy: Arc::new(Policy::embedded().unwrap()) }
    }

    async fn remove(&self) {
        let (admin, _driver) = connect(&self.server, "postgres").await;
        admin.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await.unwrap();
    }

    /// A pool of connections as the application's role, as the function has one.
    pub fn database(&self) -> Database {
        Database::new(&SecretString::from(self.app_url()), &Core::new((*self.policy).clone())).unwrap()
    }

    /// The documents, as the function sees them.
    pub fn store(&self) -> Store {
        Store::new(self.database())
    }

    /// A connection that sees and may do everything, to look behind the application.
    pub async fn superuser(&self) -> (Client, JoinSet<()>) {
        connect(&self.server, &self.name).await
    }

    /// The superuser's URL with the application's role, which row-level security binds.
    pub fn app_url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap_or((&self.server, ""));
        format!("{server}/{}?options=-c%20role%3Dnavigator_app", self.name)
    }
}

/// The postings one by one, as something to select from.
pub const POSTINGS: &str =
    "(SELECT shelf, key, block::bigint * 1024 + get_byte(entries, at) * 256 + get_byte(entries, at + 1) AS chunk,
    get_byte(entries, at + 2) AS frequency, get_byte(entries, at + 3) * 256 + get_byte(entries, at + 4) AS length
    FROM postings, generate_series(0, octet_length(entries) - 5, 5) AS at) AS postings";

/// As much time as a slow machine needs.
pub fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(30))
}

/// A document of `id` in `collection`.
pub fn document(collection: &str, id: &str, text: &str, visibility: Visibility) -> Document {
    let key = DocumentKey::new(collection, id).unwrap();
    let url = Some(format!("https://example.org/{collection}/{id}"));
    Document::new(key, Some(format!("Page {id}")), url, Some("en"), visibility, PlainText::plain(text)).unwrap()
}

/// Its passages, ten words each at most, with vectors that point where `direction` says.
pub fn passages(document: &Document, direction: f32) -> Vec<IndexedChunk> {
    let limits = chunker::ChunkLimits { tokens: 10, overlap: 0 };
    let chunks = chunker::chunks(&document.content, limits, &|text| text.split_whitespace().count());
    let analyzer = Analyzer::of(&document.language);
    let indexed =
        |chunk: Chunk| IndexedChunk { terms: analyzer.terms(&chunk.text).collect(), vector: vector(direction), chunk };
    chunks.into_iter().map(indexed).collect()
}

/// A unit vector at `degrees` in the plane of the first two dimensions.
pub fn vector(degrees: f32) -> Vec<f32> {
    let mut vector = vec![0.0; 384];
    (vector[0], vector[1]) = (degrees.to_radians().cos(), degrees.to_radians().sin());
    vector
}

/// A unit vector in a direction by chance.
pub fn random(rng: &mut Rng) -> Vec<f32> {
    unit((0..384).map(|_| rng.f32() - 0.5).collect())
}

/// One about as near to `centre` as texts on one subject are to each other.
pub fn near(rng: &mut Rng, centre: &[f32]) -> Vec<f32> {
    unit(centre.iter().zip(random(rng)).map(|(centre, noise)| centre + noise).collect())
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

/// Writes many passages, and builds the graph behind them: at once it takes seconds; row by row, minutes.
pub async fn before_the_graph(admin: &Client, write: impl Future<Output = ()>) {
    let index = "SELECT indexdef FROM pg_indexes WHERE indexname = 'chunks_by_embedding'";
    let index: String = admin.query_one(index, &[]).await.unwrap().get(0);
    admin.batch_execute("DROP INDEX chunks_by_embedding").await.unwrap();
    write.await;
    admin.batch_execute(&format!("SET maintenance_work_mem = '256MB'; {index}")).await.unwrap();
    admin.batch_execute("VACUUM ANALYZE").await.unwrap();
}

/// Stores a document of Ana's that has thousands of passages.
pub async fn put_long(database: &TestDatabase, document: &Document, direction: f32) {
    let (admin, _driver) = database.superuser().await;
    before_the_graph(&admin, put(&database.store(), "ana", document, direction)).await;
}

/// Stores a document of `owner`.
pub async fn put(store: &Store, owner: &str, document: &Document, direction: f32) {
    store.put(soon(), owner, document, MODEL, &passages(document, direction)).await.unwrap();
}

/// The ids of the documents that `principal` was shown, in the order of `hits`.
pub async fn ids_of(store: &Store, principal: &str, hits: &[Hit]) -> Vec<String> {
    let chunks: Vec<i64> = hits.iter().map(|hit| hit.chunk).collect();
    let shown = store.shown(soon(), principal, &chunks).await.unwrap();
    chunks.iter().filter_map(|chunk| Some(shown.get(chunk)?.id.clone())).collect()
}

#[expect(clippy::disallowed_methods, reason = "set-up and inspection need one connection, not a pool with a policy")]
async fn connect(server: &str, database: &str) -> (Client, JoinSet<()>) {
    let mut config: Config = server.parse().unwrap();
    config.dbname(database);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(async { drop(connection.await) });
    (client, driver)
}

fn note(line: &str) {
    let Some(path) = std::env::var_os(PARTS) else { return };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    writeln!(file, "{line}").unwrap();
}
