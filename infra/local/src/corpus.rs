//! The pages that a fresh installation can answer questions on, loaded by `retrieve`'s own `ingest`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use tokio::process::Command;

/// The collection of the corpus, which is also the default one.
const COLLECTION: &str = "default";

/// Where the repository keeps it.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// What `ingest` needs.
#[derive(Clone, Debug)]
pub struct Ingest<'a> {
    /// The built binary.
    pub binary: &'a Path,
    /// The database, as the functions' role.
    pub database_url: &'a str,
    /// The embedding model.
    pub model: &'a Path,
    /// Remembers what was loaded last.
    pub mark: &'a Path,
}

/// Loads `corpus`, unless the same was loaded before. Returns whether it did.
///
/// # Errors
/// When `ingest` fails; what it says goes to standard error.
pub async fn load(corpus: &Path, ingest: &Ingest<'_>) -> Result<bool> {
    let digest = digest(corpus)?;
    if fs::read_to_string(ingest.mark).is_ok_and(|loaded| loaded == digest) {
        return Ok(false);
    }
    if !ingest.binary.is_file() {
        bail!("there is no {}: run `make build`", ingest.binary.display());
    }
    let mut command = Command::new(ingest.binary);
    command.arg("--from").arg(corpus).args(["--collection", COLLECTION]).kill_on_drop(true);
    command.env("DATABASE_URL", ingest.database_url).env("MODEL_DIR", ingest.model);
    let status = command.status().await.context("cannot run ingest")?;
    if !status.success() {
        bail!("ingest could not load {}", corpus.display());
    }
    fs::write(ingest.mark, digest)?;
    Ok(true)
}

/// Of all names and contents, in the order of the names.
fn digest(corpus: &Path) -> Result<String> {
    let entries = fs::read_dir(corpus).with_context(|| format!("there is no {}", corpus.display()))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort();
    let mut hasher = Sha256::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let content = fs::read(file)?;
        hasher.update(format!("{:?} {}\n", file.file_name(), content.len()));
        hasher.update(content);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
