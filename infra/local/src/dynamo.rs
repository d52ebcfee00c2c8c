//! DynamoDB, emulated in this process by `dynoxide` and served over HTTP.
//!
//! It runs on a thread with a runtime of its own: the emulator works on its thread without yielding, which must not
//! slow the gateway down, and ending that runtime cuts every connection at once, as an outage would.

mod tables;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use dynoxide::Database;
use dynoxide::server::serve_with_shutdown;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Breakers, rate leases: nothing about patients.
pub const CONTROL: &str = "control";
/// Conversations: health data, in a table of its own.
pub const CONVERSATIONS: &str = "conversations";

/// How often expired items are removed.
const SWEEP: Duration = Duration::from_secs(60);

/// How DynamoDB is run.
#[derive(Clone, Debug, Default)]
pub struct DynamoConfig {
    /// The folder of its file; in memory without one.
    pub state: Option<PathBuf>,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// A second address to listen on, such as that of the Docker bridge.
    pub also_listen: Option<IpAddr>,
}

/// The tables, served or not.
#[derive(Debug)]
pub struct Dynamo {
    database: DebugDatabase,
    address: SocketAddr,
    also: Option<SocketAddr>,
    serving: Mutex<Option<Serving>>,
}

#[derive(Debug)]
struct Serving {
    stop: CancellationToken,
    /// Closed by the thread at its end.
    ended: oneshot::Receiver<()>,
}

struct DebugDatabase(Database);

impl std::fmt::Debug for DebugDatabase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Database")
    }
}

impl Dynamo {
    /// Opens the tables, makes those that are missing, and serves them.
    ///
    /// # Errors
    /// When the file or the port cannot be had.
    pub async fn start(config: DynamoConfig) -> Result<Self> {
        let database = tables::open(config.state.as_ref())?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await?;
        let address = listener.local_addr()?;
        let also = config.also_listen.map(|ip| SocketAddr::new(ip, address.port()));
        let (database, serving) = (DebugDatabase(database), Mutex::new(None));
        let dynamo = Self { database, address, also, serving };
        dynamo.serve(listener).await?;
        Ok(dynamo)
    }

    /// The endpoint for the SDK.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts all connections and refuses new ones; the items stay.
    pub async fn stop(&self) {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Serving { stop, ended }) = serving {
            stop.cancel();
            let _ = ended.await;
        }
    }

    /// Serves again, on the same port as before. Does nothing when it serves.
    ///
    /// # Errors
    /// When somebody else took the port.
    pub async fn resume(&self) -> Result<()> {
        if self.is_serving() {
            return Ok(());
        }
        self.serve(TcpListener::bind(self.address).await?).await
    }

    fn is_serving(&self) -> bool {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    #[expect(clippy::disallowed_methods, reason = "one thread for the life of the stack: the database blocks")]
    async fn serve(&self, listener: TcpListener) -> Result<()> {
        let mut listeners = vec![listener.into_std()?];
        if let Some(also) = self.also {
            let listener = TcpListener::bind(also).await.with_context(|| format!("cannot listen on {also}"))?;
            listeners.push(listener.into_std()?);
        }
        let (stop, database) = (CancellationToken::new(), self.database.0.clone());
        let (stopped, (end, ended)) = (stop.clone(), oneshot::channel());
        std::thread::Builder::new().name("dynamodb".to_owned()).spawn(move || {
            serve_until(&stopped, listeners, &database);
            drop(end);
        })?;
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some(Serving { stop, ended });
        Ok(())
    }
}

impl Drop for Dynamo {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take() {
            serving.stop.cancel();
        }
    }
}

fn serve_until(stop: &CancellationToken, listeners: Vec<std::net::TcpListener>, database: &Database) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        tracing::error!("DynamoDB has no runtime");
        return;
    };
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for listener in listeners.into_iter().filter_map(|listener| TcpListener::from_std(listener).ok()) {
            tasks.spawn(drop_result(serve_with_shutdown(listener, database.clone(), std::future::pending())));
        }
        tasks.spawn(sweep(database.clone()));
        stop.cancelled().await;
    });
    // Dropping the runtime drops its connections: that is the cut.
}

async fn drop_result<T>(future: impl Future<Output = T>) {
    drop(future.await);
}

async fn sweep(database: Database) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        if let Err(cause) = database.sweep_ttl() {
            tracing::warn!("expired items stay: {cause}");
        }
    }
}
