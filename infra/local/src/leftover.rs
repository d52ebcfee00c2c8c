//! A Postgres that an earlier run left on our cluster: still shutting down, or only its lock files, `postmaster.pid` and that of
//! its socket.
//!
//! Postgres itself removes a stale file, unless its number belongs to another process by now. That one must be spared
//! and the files removed. Whoever comes here holds the state folder, so nobody else can be using the cluster.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Command;

use crate::postgres::{SOCKET, data};
use crate::process::send;

/// What a fast shutdown may take.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// Ends it. `state` is the folder of the cluster.
pub(crate) async fn end(state: &Path) {
    let lock = data(state).join("postmaster.pid");
    if let Ok(text) = fs::read_to_string(&lock) {
        let number = text.lines().next().unwrap_or_default().trim();
        if let Ok(id) = number.parse() {
            let _ = tokio::time::timeout(PATIENCE, shut_down(id, &data(state))).await;
        }
    }
    // Usually gone with the process.
    let _ = fs::remove_file(lock);
    remove_sockets(state);
}

fn remove_sockets(state: &Path) {
    let entries = fs::read_dir(state).into_iter().flatten().flatten();
    let sockets = entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(SOCKET.as_bytes()));
    sockets.for_each(|socket| drop(fs::remove_file(socket.path())));
}

async fn shut_down(id: u32, data: &Path) {
    let ours = |line: String| line.contains(&*data.to_string_lossy());
    if ours(command_line(id).await) {
        send(id, Signal::INT);
    }
    while ours(command_line(id).await) {
        tokio::time::sleep(POLL).await;
    }
}

/// The command line of a process, empty when there is none.
async fn command_line(id: u32) -> String {
    if Path::new("/proc/self/cmdline").exists() {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        return String::from_utf8_lossy(&line).into_owned();
    }
    let output = Command::new("ps").args(["-o", "command=", "-p", &id.to_string()]).output().await;
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
