//! Postgres: a small pool, and transactions that end.
//!
//! Nothing connects at start; the first transaction does. Every transaction passes [`Dependency::call`], carries the
//! remaining time into the server as `statement_timeout`, and names the principal whom row-level security asks for.
//! A dropped transaction is rolled back before its connection is lent again: `ROLLBACK` is queued behind the
//! statement that was cut, and the check on checkout waits behind both.

mod iam;
mod lent;
mod pool;
mod tls;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use deadpool_postgres::{Pool, PoolError, TimeoutType, Transaction};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio_postgres::{Config, IsolationLevel, Statement, error::SqlState};

pub use self::tls::stays_on_loopback;
use self::{
    iam::Tokens,
    lent::{Counts, Lending, Lent},
    pool::{Entrance, SizedPool},
};
use crate::{
    clock,
    core::Core,
    deadline::Deadline,
    dependency::{CallError, Classify, Dependency, Effect, Verdict},
    metrics::Sample,
    watermark::Marks,
};

/// A session whose process froze in a transaction gives its locks back this long after its deadline.
const ABANDONED: Duration = Duration::from_secs(1);
/// The server cuts a statement this long after its deadline, for the case that nobody waits any more: it does not know whether
/// the time was short, and its cut counts against the database.
const LENIENCE: Duration = Duration::from_millis(10);

/// Names the principal and bounds every statement, for this transaction only. Each statement is planned once for a connection:
/// the planner takes every array for ten elements, and where there are fewer it would rather plan anew each time, which takes
/// longer than the statement.
const SCOPE: &str = "SELECT set_config('navigator.principal', $1, true), set_config('statement_timeout', $2, true), \
                     set_config('idle_in_transaction_session_timeout', $3, true), \
                     set_config('plan_cache_mode', 'force_generic_plan', true)";

/// The database behind `DATABASE_URL`. Clones share its pool.
#[derive(Clone)]
pub struct Database {
    core: Core,
    entrance: Entrance,
    pool: Arc<ArcSwap<SizedPool>>,
    lending: Arc<Lending>,
    reads: Dependency,
    writes: Dependency,
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
    /// Tokens cannot be the password.
    #[error("DATABASE_IAM: expected {0}")]
    Iam(&'static str),
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

/// Whether `DATABASE_IAM` is `on`: the database is entered with tokens that AWS credentials sign. Off when absent.
pub fn uses_iam() -> Result<bool, ConfigError> {
    match std::env::var("DATABASE_IAM").as_deref() {
        Ok("on") => Ok(true),
        Ok("off" | "") | Err(std::env::VarError::NotPresent) => Ok(false),
        _ => Err(ConfigError::Iam("on or off")),
    }
}

impl Database {
    /// The database of `DATABASE_URL`; none when the variable is absent. With `DATABASE_IAM=on` its password is a token of
    /// AWS, made anew for each connection.
    pub fn from_env(core: &Core) -> Result<Option<Self>, ConfigError> {
        let iam = uses_iam()?;
        let Some(url) = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()) else { return Ok(None) };
        let config = config(&SecretString::from(url))?;
        let tokens = iam.then(|| Tokens::new(&config, core.sdk())).transpose()?;
        Self::behind(Entrance { config, tokens }, core).map(Some)
    }

    /// The database at `url`. Does not connect.
    pub fn new(url: &SecretString, core: &Core) -> Result<Self, ConfigError> {
        Self::behind(Entrance { config: config(url)?, tokens: None }, core)
    }

    fn behind(mut entrance: Entrance, core: &Core) -> Result<Self, ConfigError> {
        let policy = core.policy();
        entrance.config.application_name("navigator").connect_timeout(policy.postgres.connect);
        let pool = Arc::new(ArcSwap::from_pointee(entrance.pool(&policy.postgres)?));
        let reads = core.dependency("postgres");
        let writes = core.dependency("postgres_write");
        Ok(Self { core: core.clone(), entrance, pool, lending: Arc::default(), reads, writes })
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
        let Ok(next) = self.entrance.pool(limits) else { return current.pool.clone() };
        let (next, pool) = (Arc::new(next), Arc::clone(&self.pool));
        pool.compare_and_swap(&current, next);
        pool.load().pool.clone()
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

fn config(url: &SecretString) -> Result<Config, ConfigError> {
    url.expose_secret().parse().map_err(|_| ConfigError::Url)
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
    let statement = format!("{}ms", (left + LENIENCE).as_millis());
    let idle = format!("{}ms", (left + ABANDONED).as_millis());
    transaction.query_one(scope, &[&principal, &statement, &idle]).await.map(drop)
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
