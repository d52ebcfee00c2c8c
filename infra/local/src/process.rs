//! One child process: in a process group of its own (the terminal's Ctrl-C is ours to pass on), its output followed,
//! and under the lifeline.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, kill_process_group, setrlimit};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::lifeline::{Held, LastSignal, Lifeline};
use crate::logs::Logs;

/// Enough for all functions at their full concurrency.
const OPEN_FILES: u64 = 8192;
/// How long the last output of an ended process is waited for: a grandchild may hold the pipe.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(1);

/// A running child. Dropping it sends it its last signal.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    id: u32,
    last_signal: LastSignal,
    output: JoinSet<()>,
    _held: Held,
}

impl Process {
    /// Starts `command`.
    pub(crate) fn spawn(
        mut command: Command,
        lifeline: &Arc<Lifeline>,
        last_signal: LastSignal,
        logs: &Arc<Logs>,
    ) -> Result<Self> {
        let program = command.as_std().get_program().to_owned();
        command.process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run {}", program.display()))?;
        let id = child.id().context("the process ended before it began")?;
        let held = lifeline.hold(id, last_signal);
        let output = follow(&mut child, logs);
        Ok(Self { child, id, last_signal, output, _held: held })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Waits for its end, and for the last of its output.
    pub(crate) async fn exited(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        let read = async { while self.output.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(OUTPUT_PATIENCE, read).await;
        Ok(status)
    }

    /// Asks it to end with `signal`; what has not ended after `patience` is killed.
    pub(crate) async fn stop(&mut self, signal: Signal, patience: Duration) {
        send(self.id, signal);
        if tokio::time::timeout(patience, self.exited()).await.is_err() {
            // Already gone is as good.
            let _ = self.child.kill().await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let running = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = running {
            let _ = match self.last_signal {
                LastSignal::KillGroup => kill_process_group(pid, Signal::KILL),
                LastSignal::Interrupt => kill_process(pid, Signal::INT),
            };
        }
    }
}

/// Sends a signal to a child that has not been waited for.
pub(crate) fn send(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Every poll of every function is a connection, and macOS allows 256 open files by default.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit });
    }
}

fn follow(child: &mut Child, logs: &Arc<Logs>) -> JoinSet<()> {
    let mut output = JoinSet::new();
    if let Some(stdout) = child.stdout.take() {
        output.spawn(Arc::clone(logs).follow(stdout));
    }
    if let Some(stderr) = child.stderr.take() {
        output.spawn(Arc::clone(logs).follow(stderr));
    }
    output
}
