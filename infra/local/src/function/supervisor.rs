//! Keeps a process running.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;
use tokio::process::Command;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::FunctionConfig;
use crate::invocation::Invocations;
use crate::lifeline::{LastSignal, Lifeline};
use crate::logs::Logs;
use crate::process::Process;
use crate::runtime_api;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A process that lived this long was fine; its successor starts without a pause.
const LIVED_WELL: Duration = Duration::from_secs(10);
/// What a function gets after SIGTERM: Lambda's half second and some.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// What the function and its supervisor both see.
#[derive(Clone, Debug)]
pub(super) struct Current {
    pub(super) invocations: Arc<Invocations>,
    pub(super) logs: Arc<Logs>,
    pub(super) process_id: Arc<watch::Sender<Option<u32>>>,
    /// Processes in a row that ended without asking for work.
    pub(super) failed_starts: Arc<watch::Sender<u32>>,
}

/// What the supervising task owns.
pub(super) struct Supervised {
    pub(super) config: FunctionConfig,
    pub(super) current: Current,
    pub(super) lifeline: Arc<Lifeline>,
    pub(super) stop: CancellationToken,
}

impl Supervised {
    pub(super) async fn keep_running(self) {
        let mut pause = FIRST_PAUSE;
        while !self.stop.is_cancelled() {
            let started = shared::clock::now();
            if let Err(cause) = self.one_process().await {
                tracing::error!(function = self.config.name, "{cause:#}");
            }
            self.current.process_id.send_replace(None);
            let asked_for_work = self.current.invocations.process_exited();
            self.current.failed_starts.send_modify(|count| *count = if asked_for_work { 0 } else { *count + 1 });
            let lived_well = shared::clock::now() - started > LIVED_WELL;
            pause = if lived_well { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            let _ = tokio::time::timeout(pause, self.stop.cancelled()).await;
        }
        // Without a process to come, what waits would wait for nothing.
        self.current.invocations.process_exited();
    }

    async fn one_process(&self) -> Result<()> {
        let runtime_api = runtime_api::serve(Arc::clone(&self.current.invocations)).await?;
        let command = self.command(&runtime_api.address().to_string());
        let mut process = Process::spawn(command, &self.lifeline, LastSignal::KillGroup, &self.current.logs)?;
        self.current.process_id.send_replace(Some(process.id()));
        tokio::select! {
            status = process.exited() => {
                let status = status?;
                tracing::warn!(function = self.config.name, %status, "the process ended");
            }
            () = self.stop.cancelled() => process.stop(Signal::TERM, STOP_PATIENCE).await,
        }
        Ok(())
    }

    /// The environment of a Lambda Managed Instance, and nothing of our own.
    fn command(&self, runtime_api: &str) -> Command {
        let mut command = Command::new(&self.config.binary);
        command.env_clear().envs(&self.config.env);
        command.envs([
            ("AWS_LAMBDA_RUNTIME_API", runtime_api),
            ("AWS_LAMBDA_FUNCTION_NAME", &self.config.name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances"),
            ("AWS_LAMBDA_MAX_CONCURRENCY", &self.config.concurrency.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{}", self.config.name)),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ]);
        command
    }
}
