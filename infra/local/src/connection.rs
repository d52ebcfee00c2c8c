//! One connection to Postgres, for set-up work: the functions have pools of their own.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use shared::postgres::stays_on_loopback;
use tokio::task::JoinSet;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// A connected client. The task that drives the connection ends with it.
#[derive(Debug)]
pub struct Connection {
    /// Where statements go.
    pub client: Client,
    _driver: JoinSet<()>,
}

/// Connects to a `postgres://` URL: in plain text on loopback, else with TLS verified against the system's roots
/// (`SSL_CERT_FILE` names others).
///
/// # Errors
/// When the URL is none, or the server cannot be reached or refuses. The password is in no message.
#[expect(clippy::disallowed_methods, reason = "set-up work needs one connection, not a pool with a policy")]
pub async fn connect(url: &str) -> Result<Connection> {
    let mut config: Config = url.parse().map_err(|_| anyhow!("not a postgres:// URL"))?;
    config.connect_timeout(CONNECT_PATIENCE).application_name("navigator-setup");
    let mut driver = JoinSet::new();
    let client = if stays_on_loopback(&config) {
        let (client, connection) = config.connect(NoTls).await.context("cannot connect to Postgres")?;
        driver.spawn(async { drop(connection.await) });
        client
    } else {
        let (client, connection) = config.connect(tls()?).await.context("cannot connect to Postgres")?;
        driver.spawn(async { drop(connection.await) });
        client
    };
    Ok(Connection { client, _driver: driver })
}

fn tls() -> Result<MakeRustlsConnect> {
    // An earlier connection may have installed it: the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (connector, _) = MakeRustlsConnect::with_native_certs().map_err(|_| anyhow!("no root certificates found"))?;
    Ok(connector)
}
