//! PostgreSQL 18 with pgvector, run from a folder, without installation and without Docker.
//!
//! It listens on a socket in its folder, on loopback, and for containers on one more address. Every role has a password there
//! (SCRAM), and on the last only the functions' role is let in. The log says nothing of statements: they hold patients' text.

mod initdb;
mod settings;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::cluster::Cluster;
use crate::connection::connect;
use crate::leftover;
use crate::lifeline::{LastSignal, Lifeline};
use crate::logs::Logs;
use crate::privilege::Privilege;
use crate::process::Process;

pub(crate) use initdb::{data, known_secret};
pub(crate) use settings::SOCKET;

/// Recovery after a crash included.
const START_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// How Postgres is run.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// The folder with `bin/postgres`.
    pub home: PathBuf,
    /// Where the cluster and its secret live.
    pub state: PathBuf,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// A second address to listen on, such as that of the Docker bridge.
    pub also_listen: Option<IpAddr>,
    /// Whether data survives a power cut. Tests can do without.
    pub durable: bool,
}

/// A cluster, running or stopped.
#[derive(Debug)]
pub struct Postgres {
    config: PostgresConfig,
    privilege: Privilege,
    cluster: Cluster,
    /// The folder of its socket, where it has one.
    socket: Option<PathBuf>,
    lifeline: Arc<Lifeline>,
    logs: Arc<Logs>,
    process: Mutex<Option<Process>>,
}

impl Postgres {
    /// Makes the cluster if there is none, starts it, and waits until it answers.
    ///
    /// # Errors
    /// One line that says what to do.
    pub async fn start(mut config: PostgresConfig, lifeline: Arc<Lifeline>) -> Result<Self> {
        let program = config.home.join("bin/postgres");
        if !program.is_file() {
            bail!("there is no PostgreSQL in {}: run `make setup`, or set --postgres-home", config.home.display());
        }
        // It looks for its files beside itself, and a link leads elsewhere.
        config.home = config.home.canonicalize()?;
        fs::create_dir_all(&config.state).with_context(|| format!("cannot create {}", config.state.display()))?;
        let privilege = Privilege::find(&config.home.join("bin/postgres"), &config.state).await?;
        if config.port == 0 {
            config.port = free_port().await?;
        }
        let secret = initdb::secret(&config.state)?;
        let cluster = Cluster::on_port(config.port, &secret);
        let socket = config.state.canonicalize().ok().filter(|folder| settings::takes_socket(folder, config.port));
        let (logs, process) = (Logs::new("postgres", false), Mutex::new(None));
        let postgres = Self { config, privilege, cluster, socket, lifeline, logs, process };
        initdb::ensure_cluster(&postgres, &secret).await?;
        postgres.resume().await?;
        postgres.cluster.ensure_roles().await?;
        Ok(postgres)
    }

    /// Its roles and databases.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The same as processes of this machine reach it best: by its socket, where it has one. The network's layers
    /// take a twelfth of a search's processor time.
    #[must_use]
    pub fn nearby(&self) -> Cluster {
        let by_socket = |folder| self.cluster.by_socket(folder, self.config.port);
        self.socket.as_deref().map_or_else(|| self.cluster.clone(), by_socket)
    }

    /// What it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.config.port
    }

    /// The id of the postmaster, while it runs.
    pub async fn process_id(&self) -> Option<u32> {
        self.process.lock().await.as_ref().map(Process::id)
    }

    /// Starts the server of an existing cluster, on the same port as before. Does nothing when it runs.
    ///
    /// # Errors
    /// When it does not answer in time.
    pub async fn resume(&self) -> Result<()> {
        let mut process = self.process.lock().await;
        if process.is_some() {
            return Ok(());
        }
        leftover::end(&self.config.state).await;
        fs::write(self.data().join("pg_hba.conf"), settings::access(&self.config))?;
        let mut started = Process::spawn(settings::command(self), &self.lifeline, LastSignal::Interrupt, &self.logs)?;
        self.answers(&mut started).await?;
        *process = Some(started);
        Ok(())
    }

    /// Fast shutdown: connections are cut, what was committed is kept.
    pub async fn stop(&self) {
        self.end(Signal::INT).await;
    }

    /// Immediate shutdown, like a crash: the next start recovers.
    pub async fn crash(&self) {
        self.end(Signal::QUIT).await;
    }

    async fn end(&self, signal: Signal) {
        if let Some(mut process) = self.process.lock().await.take() {
            process.stop(signal, STOP_PATIENCE).await;
        }
    }

    fn data(&self) -> PathBuf {
        data(&self.config.state)
    }

    /// Waits for the first answer, or for the end of the process.
    async fn answers(&self, process: &mut Process) -> Result<()> {
        let url = self.cluster.superuser_url();
        let answered = async {
            while connect(&url).await.is_err() {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::select! {
            () = answered => Ok(()),
            _ = process.exited() => bail!("Postgres did not start: {}", self.logs.last_words()),
            () = tokio::time::sleep(START_PATIENCE) => bail!("Postgres does not answer: {}", self.logs.last_words()),
        }
    }
}

async fn free_port() -> Result<u16> {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(TcpListener::bind(anywhere).await?.local_addr()?.port())
}
