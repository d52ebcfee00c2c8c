//! One function: its queue of invocations, and the process that works on them.
//!
//! A process that ends is started again after a pause that grows from 50 ms to 5 s, as Lambda starts a new
//! environment for one that broke. With every process comes a fresh Runtime API.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::Signal;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::invocation::Invocations;
use crate::lifeline::{LastSignal, Lifeline};
use crate::logs::Logs;
use crate::process::{Process, send};
use crate::runtime_api;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A process that lived this long was fine; its successor starts without a pause.
const LIVED_WELL: Duration = Duration::from_secs(10);
/// So many processes in a row that never asked for work, and waiting for the next one is pointless.
const HOPELESS: u32 = 3;
/// What a function gets after SIGTERM: Lambda's half second and some.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// How a function is run.
#[derive(Clone, Debug)]
pub struct FunctionConfig {
    /// The name it is invoked by.
    pub name: String,
    /// The built binary.
    pub binary: PathBuf,
    /// Its whole environment, but for what the Runtime API brings.
    pub env: BTreeMap<String, String>,
    /// Requests that one process works on at once (`AWS_LAMBDA_MAX_CONCURRENCY`).
    pub concurrency: u32,
    /// Invocations that may wait; further ones are refused with 429.
    pub queue: usize,
    /// Lambda's timeout of the function.
    pub timeout: Duration,
}

/// A function of the stack.
#[derive(Debug)]
pub struct Function {
    config: FunctionConfig,
    invocations: Arc<Invocations>,
    logs: Arc<Logs>,
    lifeline: Arc<Lifeline>,
    process_id: Arc<watch::Sender<Option<u32>>>,
    failed_starts: Arc<watch::Sender<u32>>,
    supervisor: Mutex<Option<Supervisor>>,
}

#[derive(Debug)]
struct Supervisor {
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Function {
    /// A function without a process; [`Function::start`] gives it one.
    ///
    /// # Errors
    /// When its binary does not exist.
    pub fn new(config: FunctionConfig, lifeline: Arc<Lifeline>, echo: bool) -> Result<Self> {
        if !config.binary.is_file() {
            bail!("there is no {}: run `make build`", config.binary.display());
        }
        let invocations = Invocations::new(&config.name, config.queue, config.timeout);
        let logs = Logs::new(&config.name, echo);
        let (process_id, failed_starts) = (Arc::new(watch::Sender::new(None)), Arc::new(watch::Sender::new(0)));
        let supervisor = Mutex::new(None);
        Ok(Self {
            config,
            invocations,
            logs,
            lifeline,
            process_id,
            failed_starts,
            supervisor,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The queue to invoke it through.
    #[must_use]
    pub fn invocations(&self) -> &Arc<Invocations> {
        &self.invocations
    }

    /// What its processes wrote.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// The id of the process, while there is one.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        *self.process_id.borrow()
    }

    /// Keeps a process running from now on. Does nothing when one is.
    pub fn start(&self) {
        let mut supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner);
        if supervisor.is_none() {
            *supervisor = Some(self.supervise());
        }
    }

    /// Waits until the process asks for work.
    ///
    /// # Errors
    /// When it does not within `patience`, or ends again and again; the message has its last words.
    pub async fn ready(&self, patience: Duration) -> Result<()> {
        let mut failed_starts = self.failed_starts.subscribe();
        tokio::select! {
            () = self.invocations.ready() => return Ok(()),
            _ = failed_starts.wait_for(|count| *count >= HOPELESS) => {}
            () = tokio::time::sleep(patience) => {}
        }
        bail!(
            "{} did not start; its last words: {}",
            self.name(),
            self.logs.last_words()
        )
    }

    /// Ends the process with SIGTERM, after 2 s with SIGKILL, and starts no other. What waits or runs fails.
    pub async fn stop(&self) {
        let supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut supervisor) = supervisor {
            supervisor.stop.cancel();
            while supervisor.task.join_next().await.is_some() {}
        }
    }

    /// Kills the process (SIGKILL); the next one starts by itself.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Stops the process's execution (SIGSTOP) without ending it: a hang.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Ends a [`Function::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.process_id() {
            send(id, signal);
        }
    }

    fn supervise(&self) -> Supervisor {
        let stop = CancellationToken::new();
        let run = Run {
            config: self.config.clone(),
            invocations: Arc::clone(&self.invocations),
            logs: Arc::clone(&self.logs),
            lifeline: Arc::clone(&self.lifeline),
            process_id: Arc::clone(&self.process_id),
            failed_starts: Arc::clone(&self.failed_starts),
            stop: stop.clone(),
        };
        let mut task = JoinSet::new();
        task.spawn(run.keep_running());
        Supervisor { stop, task }
    }
}

/// What the supervising task owns.
struct Run {
    config: FunctionConfig,
    invocations: Arc<Invocations>,
    logs: Arc<Logs>,
    lifeline: Arc<Lifeline>,
    process_id: Arc<watch::Sender<Option<u32>>>,
    failed_starts: Arc<watch::Sender<u32>>,
    stop: CancellationToken,
}

impl Run {
    async fn keep_running(self) {
        let mut pause = FIRST_PAUSE;
        while !self.stop.is_cancelled() {
            let started = shared::clock::now();
            if let Err(cause) = self.one_process().await {
                tracing::error!(function = self.config.name, "{cause:#}");
            }
            self.process_id.send_replace(None);
            let asked_for_work = self.invocations.process_exited();
            self.failed_starts
                .send_modify(|count| *count = if asked_for_work { 0 } else { *count + 1 });
            pause = if started.elapsed() > LIVED_WELL {
                FIRST_PAUSE
            } else {
                (pause * 2).min(LONGEST_PAUSE)
            };
            let _ = tokio::time::timeout(pause, self.stop.cancelled()).await;
        }
        // Without a process to come, what waits would wait for nothing.
        self.invocations.process_exited();
    }

    async fn one_process(&self) -> Result<()> {
        let runtime_api = runtime_api::serve(Arc::clone(&self.invocations)).await?;
        let command = self.command(&runtime_api.address().to_string());
        let mut process = Process::spawn(command, &self.lifeline, LastSignal::KillGroup, &self.logs)?;
        self.process_id.send_replace(Some(process.id()));
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
            (
                "AWS_LAMBDA_LOG_GROUP_NAME",
                &format!("/aws/lambda/{}", self.config.name),
            ),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ]);
        command
    }
}
