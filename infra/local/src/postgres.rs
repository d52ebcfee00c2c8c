//! PostgreSQL 18 with pgvector, run from a folder, without installation and without Docker.
//!
//! Only TCP: on loopback, and for containers on one more address. Every role has a password there (SCRAM), and on the
//! second address only the functions' role is let in. The log says nothing of statements: they hold patients' text.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::cluster::{APP, Cluster};
use crate::connection::connect;
use crate::lifeline::{LastSignal, Lifeline};
use crate::logs::Logs;
use crate::privilege::Privilege;
use crate::process::Process;

/// Recovery after a crash included.
const START_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// The log is left without statements and what they complain of.
const SETTINGS: [(&str, &str); 8] = [
    ("unix_socket_directories", ""),
    ("max_connections", "300"),
    ("log_min_messages", "log"),
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("log_checkpoints", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
];
/// What a cluster that nobody will miss does without. It still survives its own crash, though not the machine's.
const DURABILITY: [&str; 2] = ["fsync", "full_page_writes"];

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
            bail!(
                "there is no PostgreSQL in {}: run `make setup`, or set --postgres-home",
                config.home.display()
            );
        }
        fs::create_dir_all(&config.state).with_context(|| format!("cannot create {}", config.state.display()))?;
        let privilege = Privilege::find(&program, &config.state).await?;
        if config.port == 0 {
            config.port = free_port().await?;
        }
        let secret = secret(&config.state)?;
        let cluster = Cluster::on_port(config.port, &secret);
        let (logs, process) = (Logs::new("postgres", false), Mutex::new(None));
        let postgres = Self {
            config,
            privilege,
            cluster,
            lifeline,
            logs,
            process,
        };
        postgres.initialize(&secret).await?;
        postgres.resume().await?;
        postgres.cluster.ensure_roles().await?;
        Ok(postgres)
    }

    /// Its roles and databases.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
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
        self.end_leftover().await;
        fs::write(self.data().join("pg_hba.conf"), self.access())?;
        let mut started = Process::spawn(self.command(), &self.lifeline, LastSignal::Interrupt, &self.logs)?;
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
        self.config.state.join("data")
    }

    /// Under another name first: an interrupted run leaves no half cluster behind.
    async fn initialize(&self, secret: &str) -> Result<()> {
        if self.data().join("PG_VERSION").is_file() {
            return Ok(());
        }
        let unfinished = self.config.state.join("data.new");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        let output = self.initdb(&unfinished, secret).await?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!(
                "initdb failed: {}",
                complaint.lines().last().unwrap_or("without a word")
            );
        }
        Ok(fs::rename(unfinished, self.data())?)
    }

    async fn initdb(&self, data: &Path, secret: &str) -> Result<std::process::Output> {
        use tokio::io::AsyncWriteExt;
        let mut command = self.privilege.command(self.config.home.join("bin/initdb"));
        command.args([
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
        ]);
        command.args([
            "--builtin-locale=C.UTF-8",
            "--auth=scram-sha-256",
            "--pwfile=/dev/stdin",
            "--no-sync",
        ]);
        command
            .arg("--no-instructions")
            .arg("--pgdata")
            .arg(data)
            .kill_on_drop(true);
        let mut initdb = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut input = initdb.stdin.take().context("initdb has no input")?;
        input.write_all(secret.as_bytes()).await?;
        drop(input);
        let output = tokio::time::timeout(START_PATIENCE, initdb.wait_with_output()).await;
        Ok(output.context("initdb took too long")??)
    }

    fn access(&self) -> String {
        let mut rules = "host all all 127.0.0.1/32 scram-sha-256\n".to_owned();
        if self.config.also_listen.is_some() {
            rules.push_str(&format!("host all {APP} samenet scram-sha-256\n"));
        }
        rules
    }

    fn command(&self) -> Command {
        let mut listen = Ipv4Addr::LOCALHOST.to_string();
        if let Some(address) = self.config.also_listen {
            listen = format!("{listen},{address}");
        }
        let mut command = self.privilege.command(self.config.home.join("bin/postgres"));
        command
            .arg("-D")
            .arg(self.data())
            .arg("-p")
            .arg(self.config.port.to_string());
        for (name, value) in SETTINGS {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        for name in if self.config.durable { &[][..] } else { &DURABILITY[..] } {
            command.arg("-c").arg(format!("{name}=off"));
        }
        command.arg("-c").arg(format!("listen_addresses={listen}"));
        command
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

    /// Ends what an earlier run may have left on this cluster: whoever comes here holds the state folder, so nobody
    /// else can be using it. Postgres itself removes a stale `postmaster.pid`, unless its number belongs to another
    /// process by now. That one must be spared, and the file removed.
    async fn end_leftover(&self) {
        let lock = self.data().join("postmaster.pid");
        let Ok(text) = fs::read_to_string(&lock) else {
            return;
        };
        let number = text.lines().next().unwrap_or_default().trim();
        if command_line(number).await.contains(&*self.data().to_string_lossy()) {
            let mut stop = self.privilege.command(self.config.home.join("bin/pg_ctl"));
            stop.args(["stop", "--silent", "--mode=fast", "--timeout=20", "--pgdata"])
                .arg(self.data());
            // It may have ended by itself meanwhile: its parent is gone.
            let _ = stop.kill_on_drop(true).output().await;
        }
        let _ = fs::remove_file(lock);
    }
}

/// The command line of a process, empty when there is none.
async fn command_line(process_id: &str) -> String {
    if let Ok(line) = fs::read(format!("/proc/{process_id}/cmdline")) {
        return String::from_utf8_lossy(&line).into_owned();
    }
    let output = Command::new("ps")
        .args(["-o", "command=", "-p", process_id])
        .output()
        .await;
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

/// The superuser's password, made once.
fn secret(state: &Path) -> Result<String> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let path = state.join("secret");
    if let Ok(secret) = fs::read_to_string(&path) {
        return Ok(secret.trim().to_owned());
    }
    let secret = Uuid::new_v4().simple().to_string();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(secret.as_bytes())?;
    Ok(secret)
}

async fn free_port() -> Result<u16> {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(TcpListener::bind(anywhere).await?.local_addr()?.port())
}
