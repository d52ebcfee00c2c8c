//! One child process: in a process group of its own (the terminal's Ctrl-C is ours to pass on), its output followed,
//! and under the lifeline.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::lifeline::{Held, LastSignal, Lifeline};
use crate::logs::Logs;

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    id: u32,
    _output: JoinSet<()>,
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
        command.process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run {}", program.display()))?;
        let id = child.id().context("the process ended before it began")?;
        let held = lifeline.hold(id, last_signal);
        let output = follow(&mut child, logs);
        Ok(Self { child, id, _output: output, _held: held })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Waits for its end.
    pub(crate) async fn exited(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to end with `signal`; what has not ended after `patience` is killed.
    pub(crate) async fn stop(&mut self, signal: Signal, patience: Duration) {
        send(self.id, signal);
        if tokio::time::timeout(patience, self.child.wait()).await.is_err() {
            // Already gone is as good.
            let _ = self.child.kill().await;
        }
    }
}

/// Sends a signal to a child that has not been waited for.
pub(crate) fn send(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
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
