//! The pages that a fresh installation can answer questions on, loaded by `retrieve`'s own `ingest`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use tokio::process::Command;

/// The exit status of `ingest` when something was left out and the rest is in.
const SOMETHING_WAS_SKIPPED: i32 = 3;
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

/// What became of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// It was loaded before.
    Before,
    /// All of it is in.
    All,
    /// Some pages were left out. `ingest` has said which and why, and would say the same again.
    Some,
}

/// Loads `corpus`, unless the same was loaded before.
///
/// # Errors
/// When `ingest` fails; what it says goes to standard error.
pub async fn load(corpus: &Path, ingest: &Ingest<'_>) -> Result<Loaded> {
    let digest = digest(corpus)?;
    if fs::read_to_string(ingest.mark).is_ok_and(|loaded| loaded == digest) {
        return Ok(Loaded::Before);
    }
    if !ingest.binary.is_file() {
        bail!("there is no {}: run `make build`", ingest.binary.display());
    }
    let mut command = Command::new(ingest.binary);
    command.arg("--from").arg(corpus).args(["--collection", COLLECTION]).kill_on_drop(true);
    command.env("DATABASE_URL", ingest.database_url).env("MODEL_DIR", ingest.model);
    let status = command.status().await.context("cannot run ingest")?;
    let loaded = match status.code() {
        Some(0) => Loaded::All,
        Some(SOMETHING_WAS_SKIPPED) => Loaded::Some,
        _ => bail!("ingest could not load {}", corpus.display()),
    };
    fs::write(ingest.mark, digest)?;
    Ok(loaded)
}

impl Loaded {
    /// What the user should hear, if anything.
    #[must_use]
    pub fn note(self) -> Option<&'static str> {
        (self == Self::Some).then_some("Some sample pages were left out; the lines above say which and why.")
    }
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A corpus of one page, and an `ingest` that ends with `status`.
    async fn loaded_by(status: u8) -> (Result<Loaded>, Result<Loaded>) {
        let folder = std::env::temp_dir().join(format!("navigator-corpus-{}-{status}", std::process::id()));
        let corpus = folder.join("corpus");
        fs::create_dir_all(&corpus).unwrap();
        fs::write(corpus.join("page.md"), "# Page").unwrap();
        let (binary, mark) = (folder.join("ingest"), folder.join("mark"));
        fs::write(&binary, format!("#!/bin/sh\nexit {status}\n")).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        let ingest = Ingest { binary: &binary, database_url: "", model: Path::new(""), mark: &mark };
        let outcomes = (load(&corpus, &ingest).await, load(&corpus, &ingest).await);
        fs::remove_dir_all(&folder).unwrap();
        outcomes
    }

    #[tokio::test]
    async fn pages_that_are_left_out_are_noted_and_stop_nothing() {
        let (first, second) = loaded_by(3).await;
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!((first, second), (Loaded::Some, Loaded::Before));
        assert!(first.note().is_some() && second.note().is_none());
        assert_eq!(loaded_by(0).await.0.unwrap(), Loaded::All);
    }

    #[tokio::test]
    async fn an_ingest_that_had_to_stop_is_an_error_and_is_tried_again() {
        let (first, second) = loaded_by(1).await;
        assert!(first.is_err() && second.is_err());
    }
}
