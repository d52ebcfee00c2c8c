//! One function: its queue of invocations, and the process that works on them.
//!
//! A process that ends is started again after a pause that grows from 50 ms to 5 s, as Lambda starts a new
//! environment for one that broke. With every process comes a fresh Runtime API.

mod supervisor;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::Signal;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::invocation::Invocations;
use crate::lifeline::Lifeline;
use crate::logs::Logs;
use crate::process::send;

use supervisor::{Current, Supervised};

/// So many processes in a row that never asked for work, and waiting for the next one is pointless.
const HOPELESS: u32 = 3;
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
    current: Current,
    lifeline: Arc<Lifeline>,
    /// Ends the supervising task, and waits for its end.
    supervisor: Mutex<Option<(CancellationToken, JoinSet<()>)>>,
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
        let current = Current {
            invocations: Invocations::new(&config.name, config.queue, config.timeout),
            logs: Logs::new(&config.name, echo),
            process_id: Arc::new(watch::Sender::new(None)),
            failed_starts: Arc::new(watch::Sender::new(0)),
        };
        let supervisor = Mutex::new(None);
        Ok(Self { config, current, lifeline, supervisor })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The queue to invoke it through.
    #[must_use]
    pub fn invocations(&self) -> &Arc<Invocations> {
        &self.current.invocations
    }

    /// What its processes wrote.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.current.logs
    }

    /// The id of the process, while there is one.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        *self.current.process_id.borrow()
    }

    /// Keeps a process running from now on. Does nothing when one is.
    pub fn start(&self) {
        let mut supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner);
        if supervisor.is_none() {
            let (stop, current) = (CancellationToken::new(), self.current.clone());
            let running = Supervised {
                config: self.config.clone(),
                current,
                lifeline: Arc::clone(&self.lifeline),
                stop: stop.clone(),
            };
            let mut task = JoinSet::new();
            task.spawn(running.keep_running());
            *supervisor = Some((stop, task));
        }
    }

    /// Waits until the process asks for work.
    ///
    /// # Errors
    /// When it does not within `patience`, or ends again and again; the message has its last words.
    pub async fn ready(&self, patience: Duration) -> Result<()> {
        let mut failed_starts = self.current.failed_starts.subscribe();
        tokio::select! {
            () = self.current.invocations.ready() => return Ok(()),
            _ = failed_starts.wait_for(|count| *count >= HOPELESS) => {}
            () = tokio::time::sleep(patience) => {}
        }
        bail!("{} did not start; its last words: {}", self.name(), self.current.logs.last_words())
    }

    /// Ends the process with SIGTERM, after 2 s with SIGKILL, and starts no other. What waits or runs fails.
    pub async fn stop(&self) {
        let supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, mut task)) = supervisor {
            stop.cancel();
            while task.join_next().await.is_some() {}
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
}
