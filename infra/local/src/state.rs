//! The folder that `local` keeps its data in, one process at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use uuid::Uuid;

/// A folder that this process holds. The lock ends with the process, however it ends.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    _lock: File,
}

impl State {
    /// Creates the folder if need be, and holds it.
    ///
    /// # Errors
    /// When another process holds it.
    pub fn hold(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let lock =
            File::create(folder.join("lock")).with_context(|| format!("cannot write to {}", folder.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("another local stack runs on {}: stop it, or choose another with --state", folder.display())
            }
            Err(TryLockError::Error(cause)) => Err(cause).with_context(|| format!("cannot lock {}", folder.display())),
        }
    }

    /// A path inside.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// A folder for one run, removed at its end. What a killed run left is removed by the next.
#[derive(Debug)]
pub struct Scratch {
    state: State,
}

impl Scratch {
    /// Makes the folder, in the system's folder for temporary files: a user who is not root can read that. Its name is short:
    /// on macOS little is left of the length that the address of a socket in it may have.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create() -> Result<Self> {
        let shared = std::env::temp_dir().join(format!("navigator-{}", rustix::process::geteuid().as_raw()));
        fs::create_dir_all(&shared).with_context(|| format!("cannot create {}", shared.display()))?;
        remove_abandoned(&shared);
        Ok(Self { state: State::hold(&shared.join(format!("{:08x}", Uuid::new_v4().as_fields().0)))? })
    }

    /// A path inside.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.state.path(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.state.folder);
    }
}

/// Whoever can be locked is nobody's any more.
fn remove_abandoned(shared: &Path) {
    let entries = fs::read_dir(shared).into_iter().flatten().flatten();
    for folder in entries.map(|entry| entry.path()).filter(|path| path.join("lock").exists()) {
        if State::hold(&folder).is_ok() {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_at_a_time() {
        let scratch = Scratch::create().unwrap();
        let folder = scratch.path("x");
        let held = State::hold(&folder).unwrap();
        assert!(State::hold(&folder).unwrap_err().to_string().contains("another local stack"));
        drop(held);
        State::hold(&folder).unwrap();
    }

    #[test]
    fn a_scratch_folder_goes_with_its_owner() {
        let scratch = Scratch::create().unwrap();
        let folder = scratch.path("");
        assert!(folder.is_dir());
        drop(scratch);
        assert!(!folder.exists());
    }
}
