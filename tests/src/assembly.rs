//! The whole bundle for a test: built functions under the Runtime API host, real Postgres with the sample corpus, the
//! DynamoDB emulator, and the provider simulator.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, Result, ensure};
use local::{
    cluster::Cluster,
    stack::{DatabaseChoice, Stack, StackConfig, binaries},
};
use tokio::process::Command;

use crate::{
    api::Api,
    parts,
    simulator::{Provider, Simulator},
};

/// The database that holds the sample corpus; tests read it and write to others.
const CORPUS_DATABASE: &str = "navigator_corpus";
/// One test loads the corpus while the others wait.
const CORPUS_LOCK: i64 = 0x006e_6176;

/// A running bundle.
#[derive(Debug)]
pub struct Bundle {
    /// The parts, each of which can be stopped and started.
    pub stack: Stack,
    /// A client of its gateway.
    pub api: Api,
}

impl Bundle {
    /// Starts what `config` describes.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(config: StackConfig) -> Result<Self> {
        for (part, runs) in [
            ("runtime_api", true),
            ("dynamodb", config.dynamo.is_some()),
            ("postgres", !matches!(config.database, DatabaseChoice::None)),
        ] {
            if runs {
                parts::used(part);
            }
        }
        let stack = Stack::start(config).await?;
        let api = Api::new(&stack.gateway_url())?;
        Ok(Self { stack, api })
    }
}

/// All five functions with the sample corpus and the embedding model, and no provider.
///
/// # Errors
/// When `make test`'s environment is missing, or the corpus cannot be loaded.
pub async fn with_corpus() -> Result<StackConfig> {
    let cluster = cluster()?;
    load_corpus(&cluster).await?;
    let mut config = StackConfig::new(binaries()?);
    config.database = DatabaseChoice::Url(cluster.app_url(CORPUS_DATABASE));
    config.set("retrieve", "MODEL_DIR", &model_dir()?);
    Ok(config)
}

/// The same with an empty database of its own.
///
/// # Errors
/// When `make test`'s environment is missing.
pub fn with_empty_database() -> Result<StackConfig> {
    let mut config = StackConfig::new(binaries()?);
    config.database = DatabaseChoice::Fresh(cluster()?);
    config.set("retrieve", "MODEL_DIR", &model_dir()?);
    Ok(config)
}

/// All five functions without a database, a model or a provider.
///
/// # Errors
/// When nothing is built.
pub fn without_stores() -> Result<StackConfig> {
    let mut config = StackConfig::new(binaries()?);
    config.database = DatabaseChoice::None;
    Ok(config)
}

/// Connects all providers of `simulator`.
pub fn connect(config: &mut StackConfig, simulator: &Simulator) {
    for function in ["orchestrate", "translate"] {
        config.set(function, "OPENAI_API_KEY", "test-key");
        config.set(function, "OPENAI_URL", &simulator.base_url(Provider::OpenAi));
        config.set(function, "OPENAI_MODEL", "simulated");
    }
    config.set("search", "TAVILY_API_KEY", "test-key");
    config.set("search", "TAVILY_URL", &simulator.base_url(Provider::Tavily));
    config.set("translate", "APERTIUM_URL", &simulator.base_url(Provider::Apertium));
}

/// Gives retrieve the reranker of `simulator`.
pub fn connect_reranker(config: &mut StackConfig, simulator: &Simulator) {
    config.set("retrieve", "RERANK_URL", &simulator.base_url(Provider::Rerank));
    config.set("retrieve", "RERANK_MODEL", "simulated");
}

/// Gives retrieve the embedding service of `simulator`, and no model of its own.
pub fn connect_embedder(config: &mut StackConfig, simulator: &Simulator) {
    config.set("retrieve", "MODEL_DIR", "/nowhere/model");
    config.set("retrieve", "EMBEDDING_URL", &simulator.base_url(Provider::Embeddings));
    config.set("retrieve", "EMBEDDING_MODEL", "simulated");
    config.set("retrieve", "EMBEDDING_API_KEY", "test-key");
}

/// A policy laid over the shipped one for all functions of a bundle. The file goes with this value: keep it as long
/// as the bundle runs.
#[derive(Debug)]
pub struct PolicyFile(PathBuf);

impl PolicyFile {
    /// Writes `policy` and names it to all functions of `config`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn of(config: &mut StackConfig, policy: &str) -> Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("navigator-policy-{}-{number}.yaml", std::process::id()));
        std::fs::write(&file, policy)?;
        config.set_all("NAVIGATOR_POLICY", &file.display().to_string());
        Ok(Self(file))
    }
}

impl Drop for PolicyFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The test run's Postgres.
///
/// # Errors
/// When the tests were not started by `make test`.
pub fn cluster() -> Result<Cluster> {
    let url = std::env::var("NAVIGATOR_TEST_POSTGRES")
        .context("NAVIGATOR_TEST_POSTGRES is not set: run the tests with `make test`")?;
    Cluster::from_url(&url)
}

fn model_dir() -> Result<String> {
    std::env::var("MODEL_DIR").context("MODEL_DIR is not set: run the tests with `make test`")
}

async fn load_corpus(cluster: &Cluster) -> Result<()> {
    let admin = local::connection::connect(&cluster.superuser_url()).await?;
    admin.client.execute("SELECT pg_advisory_lock($1)", &[&CORPUS_LOCK]).await?;
    let there = admin.client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&CORPUS_DATABASE]).await?;
    if there.is_some() {
        return Ok(());
    }
    let fresh = cluster.fresh_database().await?;
    ingest(&cluster.app_url(&fresh), &root().join("infra/local/corpus"), "default").await?;
    // Renamed only when it is whole: a run that was cut leaves nothing that looks loaded.
    admin.client.batch_execute(&format!("ALTER DATABASE {fresh} RENAME TO {CORPUS_DATABASE}")).await?;
    Ok(())
}

/// Runs the built `ingest` binary.
///
/// # Errors
/// When it does not end well; its own words are in the error.
pub async fn ingest(database_url: &str, from: &Path, collection: &str) -> Result<String> {
    let mut command = Command::new(binaries()?.join("ingest"));
    command.arg("--from").arg(from).args(["--collection", collection, "--json"]);
    command.env("DATABASE_URL", database_url).env("MODEL_DIR", model_dir()?).kill_on_drop(true);
    let output = command.output().await.context("ingest is not built")?;
    ensure!(output.status.success(), "ingest: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
