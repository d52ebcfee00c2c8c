//! Postgres: a small pool, and transactions that end.
//!
//! Nothing connects at start; the first transaction does. Every transaction passes [`Dependency::call`], carries the
//! remaining time into the server as `statement_timeout`, and names the principal whom row-level security asks for.
//! A dropped transaction is rolled back before its connection is lent again: `ROLLBACK` is queued behind the
//! statement that was cut, and the check on checkout waits behind both.

mod lent;
mod tls;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType, Transaction,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio_postgres::{Config, IsolationLevel, NoTls, Statement, error::SqlState};

use self::lent::{Counts, Lending, Lent};
use crate::{
    clock,
    core::Core,
    deadline::Deadline,
    dependency::{CallError, Classify, Dependency, Effect, Verdict},
    metrics::Sample,
    policy,
    watermark::Marks,
};

/// A session whose process froze in a transaction gives its locks back this long after its deadline.
const ABANDONED: Duration = Duration::from_secs(1);

/// Names the principal and bounds every statement, for this transaction only.
const SCOPE: &str = "SELECT set_config('navigator.principal', $1, true), set_config('statement_timeout', $2, true), \
                     set_config('idle_in_transaction_session_timeout', $3, true)";

/// The database behind `DATABASE_URL`. Clones share its pool.
#[derive(Clone)]
pub struct Database {
    core: Core,
    config: Config,
    pool: Arc<ArcSwap<SizedPool>>,
    lending: Arc<Lending>,
    reads: Dependency,
    writes: Dependency,
}

/// A pool and the numbers that it was made with.
struct SizedPool {
    pool: Pool,
    limits: policy::Postgres,
}

/// Why the settings of the database were refused. Says which variable, never its value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not a connection string.
    #[error("DATABASE_URL: expected postgres://user:password@host:port/database")]
    Url,
    /// The CA bundle cannot be used.
    #[error("DATABASE_CA: {0}")]
    Authority(String),
    /// The pool refused its settings.
    #[error("the connection pool: {0}")]
    Pool(String),
}

/// How the database failed, by what the caller can do next.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseFault {
    /// All connections were lent for longer than the policy lets anyone wait.
    #[error("no connection became free")]
    Exhausted,
    /// The server cannot be reached, or did not accept a connection in time.
    #[error("no connection could be made")]
    Unreachable(#[source] Option<tokio_postgres::Error>),
    /// The server cut a statement at its time limit, or the wait for a lock.
    #[error("a statement ran out of time")]
    Cancelled(#[source] tokio_postgres::Error),
    /// The connection broke, or the server is going down or full.
    #[error("the connection was lost")]
    Lost(#[source] tokio_postgres::Error),
    /// The server refused a statement.
    #[error("a statement was refused")]
    Statement(#[source] tokio_postgres::Error),
}

/// What the database looks like from this process.
#[derive(Clone, Debug, Serialize)]
pub struct DatabaseStatus {
    /// Connections that exist.
    pub connections: usize,
    /// Connections that may exist.
    pub max_connections: usize,
    /// Connections that are lent.
    pub in_use: usize,
    /// Transactions that wait for a connection.
    pub waiting: usize,
    /// Connections lent since the start.
    pub lent: u64,
    /// Transactions since the start for which none became free in time.
    pub exhausted: u64,
    /// What transactions have waited for connections, those that were made for them among it, in microseconds.
    pub waited_us: u64,
}

impl Database {
    /// The database of `DATABASE_URL`; none when the variable is absent.
    pub fn from_env(core: &Core) -> Result<Option<Self>, ConfigError> {
        let Some(url) = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()) else { return Ok(None) };
        Self::new(&SecretString::from(url), core).map(Some)
    }

    /// The database at `url`. Does not connect.
    pub fn new(url: &SecretString, core: &Core) -> Result<Self, ConfigError> {
        let policy = core.policy();
        let mut config: Config = url.expose_secret().parse().map_err(|_| ConfigError::Url)?;
        config.application_name("navigator").connect_timeout(policy.postgres.connect);
        let pool = Arc::new(ArcSwap::from_pointee(SizedPool::new(config.clone(), &policy.postgres)?));
        let reads = core.dependency("postgres");
        let writes = core.dependency("postgres_write");
        Ok(Self { core: core.clone(), config, pool, lending: Arc::default(), reads, writes })
    }

    /// Runs `work` in a read-only transaction as `principal`.
    pub async fn read<T, W>(&self, deadline: Deadline, principal: &str, work: W) -> Result<T, CallError<DatabaseFault>>
    where
        W: AsyncFnOnce(&Transaction<'_>) -> Result<T, tokio_postgres::Error>,
    {
        let mut work = Some(work);
        let attempt = |deadline| self.transaction(deadline, principal, true, work.take());
        self.reads.call(deadline, Effect::Once, attempt).await
    }

    /// Runs `work` in a transaction as `principal`; commits when it succeeds.
    pub async fn write<T, W>(&self, deadline: Deadline, principal: &str, work: W) -> Result<T, CallError<DatabaseFault>>
    where
        W: AsyncFnOnce(&Transaction<'_>) -> Result<T, tokio_postgres::Error>,
    {
        let mut work = Some(work);
        let attempt = |deadline| self.transaction(deadline, principal, false, work.take());
        self.writes.call(deadline, Effect::Once, attempt).await
    }

    /// Whether it answers.
    pub async fn ping(&self, deadline: Deadline) -> Result<(), CallError<DatabaseFault>> {
        let attempt = async |_| self.connection().await?.simple_query("").await.map(drop).map_err(DatabaseFault::from);
        self.reads.call(deadline, Effect::Idempotent, attempt).await
    }

    /// What it looks like from this process.
    pub fn status(&self) -> DatabaseStatus {
        let pool = self.pool.load().pool.status();
        let Counts { lent, exhausted, waited_us } = self.lending.counts();
        DatabaseStatus {
            connections: pool.size,
            max_connections: pool.max_size,
            in_use: self.lending.in_use(),
            waiting: pool.waiting,
            lent,
            exhausted,
            waited_us,
        }
    }

    /// The pool's numbers for the metrics.
    pub fn sample(&self) -> Sample {
        let status = self.status();
        Sample::of_pool("postgres")
            .count("Admitted", status.lent)
            .count("RefusedWaitTooLong", status.exhausted)
            .microseconds("WaitedTime", status.waited_us)
            .gauge("InUsePeak", self.lending.take_peak())
            .gauge("Limit", status.max_connections)
    }

    /// Closes all connections; what comes later is refused.
    pub fn close(&self) {
        self.pool.load().pool.close();
    }

    async fn transaction<T, W>(
        &self,
        deadline: Deadline,
        principal: &str,
        read_only: bool,
        work: Option<W>,
    ) -> Result<T, DatabaseFault>
    where
        W: AsyncFnOnce(&Transaction<'_>) -> Result<T, tokio_postgres::Error>,
    {
        // Never repeated: what breaks a connection is found out on checkout, before anything was sent.
        let work = work.ok_or(DatabaseFault::Exhausted)?;
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection, read_only).await?;
        let scope = transaction.prepare_cached(SCOPE).await?;
        // Sent in this order, and the server keeps it: no statement runs before its principal is named, and none waits to be
        // sent until that was answered.
        let entered = enter(&transaction, &scope, deadline.remaining(), principal);
        let ((), result) = futures_util::try_join!(entered, work(&transaction))?;
        if !read_only {
            transaction.commit().await?;
        }
        // Whoever only read need not wait for the end: its ROLLBACK is on the way.
        Ok(result)
    }

    async fn connection(&self) -> Result<Lent, DatabaseFault> {
        let (pool, began) = (self.pool(), clock::now());
        let lent = pool.get().await.map_err(DatabaseFault::from);
        self.lending.waited(clock::now() - began);
        if matches!(lent, Err(DatabaseFault::Exhausted)) {
            self.lending.exhausted();
        }
        let marks = Marks::of(&self.core.policy().service);
        Ok(self.lending.clone().lend(lent?, pool.status().max_size, marks))
    }

    /// The pool, as large as the policy says now. One of another size takes the place of the old one, whose
    /// connections end as they come back. (Its own `resize` forgets permits only of connections that exist, so that
    /// shrinking and growing again would leave it too large.)
    fn pool(&self) -> Pool {
        let current = self.pool.load_full();
        let limits = &self.core.policy().postgres;
        if current.limits == *limits || current.pool.is_closed() {
            return current.pool.clone();
        }
        // The settings were good for the first one.
        let Ok(next) = SizedPool::new(self.config.clone(), limits) else { return current.pool.clone() };
        let (next, pool) = (Arc::new(next), Arc::clone(&self.pool));
        pool.compare_and_swap(&current, next);
        pool.load().pool.clone()
    }
}

impl SizedPool {
    fn new(config: Config, limits: &policy::Postgres) -> Result<Self, ConfigError> {
        Ok(Self { pool: pool(manager(config)?, limits)?, limits: limits.clone() })
    }
}

impl std::fmt::Debug for Database {
    /// Only the state of the pool: a connection string has a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("pool", &self.pool.load().pool.status()).finish_non_exhaustive()
    }
}

impl Classify for DatabaseFault {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unreachable(_) | Self::Lost(_) | Self::Cancelled(_) => Verdict::Fault,
            // Our own pool, or our own SQL.
            Self::Exhausted | Self::Statement(_) => Verdict::Ignored,
        }
    }
}

impl DatabaseFault {
    /// A stable word for replies, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Exhausted => "pool_exhausted",
            Self::Unreachable(_) => "unreachable",
            Self::Cancelled(_) => "timeout",
            Self::Lost(_) => "connection_lost",
            Self::Statement(_) => "statement_refused",
        }
    }
}

impl From<PoolError> for DatabaseFault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Self::Exhausted,
            PoolError::Backend(source) => Self::Unreachable(Some(source)),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle)
            | PoolError::Closed
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_) => Self::Unreachable(None),
        }
    }
}

impl From<tokio_postgres::Error> for DatabaseFault {
    fn from(source: tokio_postgres::Error) -> Self {
        match source.code() {
            None => Self::Lost(source),
            Some(code) if *code == SqlState::QUERY_CANCELED || *code == SqlState::LOCK_NOT_AVAILABLE => {
                Self::Cancelled(source)
            }
            // Classes 08 (connection), 53 (out of resources), 57 (operator intervention).
            Some(code) if ["08", "53", "57"].contains(&&code.code()[..2]) => Self::Lost(source),
            Some(_) => Self::Statement(source),
        }
    }
}

/// Whoever only reads sees one state of the database, however many statements it takes.
async fn begin(connection: &mut Lent, read_only: bool) -> Result<Transaction<'_>, tokio_postgres::Error> {
    let level = if read_only { IsolationLevel::RepeatableRead } else { IsolationLevel::ReadCommitted };
    connection.build_transaction().isolation_level(level).read_only(read_only).start().await
}

async fn enter(
    transaction: &Transaction<'_>,
    scope: &Statement,
    left: Duration,
    principal: &str,
) -> Result<(), tokio_postgres::Error> {
    // Zero would mean "no limit".
    let statement = format!("{}ms", left.as_millis().max(1));
    let idle = format!("{}ms", (left + ABANDONED).as_millis());
    transaction.query_one(scope, &[&principal, &statement, &idle]).await.map(drop)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that makes a pool, with limits")]
fn manager(mut config: Config) -> Result<Manager, ConfigError> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    if tls::is_needless(&config) {
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        return Ok(Manager::from_config(config, NoTls, recycling));
    }
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    Ok(Manager::from_config(config, tls::connector()?, recycling))
}

fn pool(manager: Manager, limits: &policy::Postgres) -> Result<Pool, ConfigError> {
    let idle = limits.idle;
    // A connection that slept may be dead at the other end, and finding out costs a timeout: make a new one instead.
    let refuse_idle =
        Hook::sync_fn(
            move |_, metrics| {
                if metrics.last_used() < idle { Ok(()) } else { Err(HookError::message("idle for too long")) }
            },
        );
    Pool::builder(manager)
        .max_size(connections(limits))
        .wait_timeout(Some(limits.wait))
        .create_timeout(Some(limits.connect))
        .recycle_timeout(Some(limits.recycle))
        .pre_recycle(refuse_idle)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| ConfigError::Pool(error.to_string()))
}

/// Classic Lambda serves one request at a time and needs few; a process that serves many shares a larger pool.
fn connections(limits: &policy::Postgres) -> usize {
    let at_once = std::env::var("AWS_LAMBDA_MAX_CONCURRENCY").ok().and_then(|count| count.parse::<usize>().ok());
    let on_lambda = std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some();
    if on_lambda && at_once.unwrap_or(1) <= 1 {
        return limits.connections_on_classic_lambda;
    }
    limits.connections_on_a_server
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(url: &str) -> Database {
        Database::new(&SecretString::from(url), &Core::embedded().unwrap()).unwrap()
    }

    #[test]
    fn a_bad_url_is_named_and_not_shown() {
        let url = SecretString::from("postgres://navigator:hunter2@[broken");
        let error = Database::new(&url, &Core::embedded().unwrap()).unwrap_err();
        assert!(error.to_string().starts_with("DATABASE_URL"));
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }

    #[test]
    fn debug_shows_no_password() {
        let shown = format!("{:?}", database("postgres://navigator:hunter2@127.0.0.1/navigator"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable_and_nothing_connects_before() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let database = database(&format!("postgres://navigator@127.0.0.1:{port}/navigator"));
        assert_eq!(database.status().connections, 0);
        let outcome = database.ping(Deadline::within(Duration::from_secs(5))).await;
        assert!(matches!(outcome, Err(CallError::Fault { source: DatabaseFault::Unreachable(_), .. })), "{outcome:?}");
    }

    #[test]
    fn transactions_can_run_on_any_thread() {
        fn is_send<T: Send>(_: T) {}
        let database = database("postgres://navigator@127.0.0.1/navigator");
        let deadline = Deadline::within(Duration::ZERO);
        is_send(database.read(deadline, "a", async |transaction| transaction.query_one("SELECT 1", &[]).await));
    }
}
