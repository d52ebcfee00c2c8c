//! TLS to the database: rustls, verified against `DATABASE_CA` or the system's roots.
//!
//! Required wherever the traffic leaves the machine. It is off on loopback, and in the containers of `sam local`,
//! which reach the same machine's database under the address of the Docker bridge.

use std::net::IpAddr;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{Config, config::Host};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::ConfigError;

/// Whether the connection stays on this machine.
pub(super) fn is_needless(config: &Config) -> bool {
    let local_container = std::env::var("AWS_SAM_LOCAL").is_ok_and(|value| value == "true");
    local_container || stays_on_loopback(config)
}

/// A connector that verifies the server's certificate.
pub(super) fn connector() -> Result<MakeRustlsConnect, ConfigError> {
    let Some(path) = std::env::var("DATABASE_CA").ok().filter(|path| !path.is_empty()) else {
        return system_roots();
    };
    let certificates = CertificateDer::pem_file_iter(&path).map_err(|error| refused(&path, &error))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| refused(&path, &error))?;
        roots.add(certificate).map_err(|error| refused(&path, &error))?;
    }
    if roots.is_empty() {
        return Err(ConfigError::Authority(format!("{path} holds no certificate")));
    }
    verified_by(roots)
}

/// Whether every address that `config` may lead to is on loopback.
pub fn stays_on_loopback(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    })
}

fn system_roots() -> Result<MakeRustlsConnect, ConfigError> {
    let found = MakeRustlsConnect::with_native_certs();
    found
        .map(|(connector, _)| connector)
        .map_err(|_| ConfigError::Authority("the system has no root certificates".into()))
}

fn verified_by(roots: RootCertStore) -> Result<MakeRustlsConnect, ConfigError> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Authority(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn refused(path: &str, error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Authority(format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_goes_without_tls() {
        let local = ["postgres://a@127.0.0.1/n", "postgres://a@localhost/n", "postgres://a@[::1]/n"];
        let remote = [
            "postgres://a@10.0.0.5/n",
            "postgres://a@db.example.org/n",
            "postgres://a@127.0.0.1,db.example.org/n",
            "postgres://a@localhost/n?hostaddr=10.0.0.5",
        ];
        assert!(local.iter().all(|url| stays_on_loopback(&url.parse().unwrap())));
        assert!(remote.iter().all(|url| !stays_on_loopback(&url.parse().unwrap())));
    }
}
