//! Pools of connections: how each is made, and how many there may be.

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{Config, NoTls, config::SslMode};

use super::{
    ConfigError,
    iam::{ByToken, Tokens},
    tls,
};
use crate::policy;

/// Where the database is, and what lets us in.
#[derive(Clone)]
pub(super) struct Entrance {
    pub(super) config: Config,
    /// The password of each connection; without them, that of `config`.
    pub(super) tokens: Option<Tokens>,
}

/// A pool and the numbers that it was made with.
pub(super) struct SizedPool {
    pub(super) pool: Pool,
    pub(super) limits: policy::Postgres,
}

impl Entrance {
    /// A pool of connections. Does not connect.
    pub(super) fn pool(&self, limits: &policy::Postgres) -> Result<SizedPool, ConfigError> {
        Ok(SizedPool { pool: pool(self.manager()?, limits)?, limits: limits.clone() })
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes a pool, with limits")]
    fn manager(&self) -> Result<Manager, ConfigError> {
        let (mut config, recycling) =
            (self.config.clone(), ManagerConfig { recycling_method: RecyclingMethod::Verified });
        match &self.tokens {
            None if tls::is_needless(&config) => {
                config.ssl_mode(SslMode::Disable);
                Ok(Manager::from_config(config, NoTls, recycling))
            }
            None => {
                config.ssl_mode(SslMode::Require);
                Ok(Manager::from_config(config, tls::connector()?, recycling))
            }
            // Whoever reads a token may enter with it.
            Some(tokens) => {
                config.ssl_mode(SslMode::Require);
                let connect = ByToken { tokens: tokens.clone(), tls: tls::connector()? };
                Ok(Manager::from_connect(config, connect, recycling))
            }
        }
    }
}

pub(super) fn pool(manager: Manager, limits: &policy::Postgres) -> Result<Pool, ConfigError> {
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
