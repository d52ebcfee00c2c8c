//! Postgres refuses to run as root. As root it is therefore started as somebody else: in a user namespace (files stay
//! root's own), or as `nobody` where namespaces are forbidden, as in many containers.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::path::Path;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

const NAMESPACE: [&str; 4] = ["unshare", "--user", "--map-user=1000", "--map-group=1000"];
const NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const NOBODY_ID: u32 = 65534;

/// How Postgres' programs are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privilege {
    /// As we are.
    Own,
    /// In a user namespace.
    Namespace,
    /// As `nobody`, to whom the data belongs.
    Nobody,
}

impl Privilege {
    /// Finds a way to run `program` that may write to `folder`.
    pub(crate) async fn find(program: &Path, folder: &Path) -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        if Self::Namespace.works(program, folder).await {
            return Ok(Self::Namespace);
        }
        give_to_nobody(folder)?;
        if Self::Nobody.works(program, folder).await {
            return Ok(Self::Nobody);
        }
        bail!(
            "Postgres does not run as root, and here neither `unshare --user` nor `setpriv` gives it another user \
             that may read {} and write {}: run this as an ordinary user",
            program.display(),
            folder.display()
        )
    }

    /// A command that runs `program` with an empty environment.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let prefix = match self {
            Self::Own => None,
            Self::Namespace => Some(NAMESPACE),
            Self::Nobody => Some(NOBODY),
        };
        let mut command = match prefix {
            None => Command::new(program),
            Some([first, rest @ ..]) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
        command
    }

    async fn works(self, program: &Path, folder: &Path) -> bool {
        let runs = self.command(program).arg("--version").output().await;
        let writes = self.command("test").arg("-w").arg(folder).output().await;
        [runs, writes].into_iter().all(|output| output.is_ok_and(|output| output.status.success()))
    }
}

fn give_to_nobody(path: &Path) -> Result<()> {
    chown(path, Some(NOBODY_ID), Some(NOBODY_ID)).with_context(|| format!("cannot chown {}", path.display()))?;
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give_to_nobody(&entry?.path())?;
        }
    }
    Ok(())
}
