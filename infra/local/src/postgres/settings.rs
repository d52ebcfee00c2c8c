//! What the server is started with, and whom it lets in.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use tokio::process::Command;

use super::{Postgres, PostgresConfig};
use crate::cluster::APP;

/// The log is left without statements and what they complain of.
const SETTINGS: [(&str, &str); 9] = [
    ("unix_socket_permissions", "0700"),
    ("max_connections", "300"),
    ("log_min_messages", "log"),
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("log_checkpoints", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("shared_buffers", "256MB"),
];
/// What a cluster that nobody will miss does without. It still survives its own crash, though not the machine's.
const DURABILITY: [&str; 2] = ["fsync", "full_page_writes"];
/// The longest address of a socket that every kernel takes.
const SOCKET_LENGTH: usize = 103;

/// Where the server's socket is, if an address there is short enough and needs no escapes in the server's list of folders.
pub(super) fn socket_folder(config: &PostgresConfig) -> Option<PathBuf> {
    let folder = config.state.canonicalize().ok()?;
    let address = folder.join(format!(".s.PGSQL.{}", config.port));
    let is_plain = folder.to_str().is_some_and(|folder| !folder.contains(['"', '\\', ',']));
    (is_plain && address.as_os_str().len() <= SOCKET_LENGTH).then_some(folder)
}

/// `pg_hba.conf`: every role on this machine, on a second address only the functions' role from the networks that the
/// machine is connected to.
pub(super) fn access(config: &PostgresConfig) -> String {
    let mut rules = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n".to_owned();
    if config.also_listen.is_some() {
        rules.push_str(&format!("host all {APP} samenet scram-sha-256\n"));
    }
    rules
}

/// The server in the foreground.
pub(super) fn command(postgres: &Postgres) -> Command {
    let config = &postgres.config;
    let mut command = postgres.privilege.command(config.home.join("bin/postgres"));
    command.arg("-D").arg(postgres.data()).arg("-p").arg(config.port.to_string());
    command.arg("-c").arg(format!("listen_addresses={}", listen_addresses(config)));
    let socket = socket_folder(config).map(|folder| format!("\"{}\"", folder.display())).unwrap_or_default();
    command.arg("-c").arg(format!("unix_socket_directories={socket}"));
    for (name, value) in SETTINGS {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    if !config.durable {
        for name in DURABILITY {
            command.arg("-c").arg(format!("{name}=off"));
        }
    }
    command
}

fn listen_addresses(config: &PostgresConfig) -> String {
    match config.also_listen {
        Some(address) => format!("{},{address}", Ipv4Addr::LOCALHOST),
        None => Ipv4Addr::LOCALHOST.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Scratch;

    #[test]
    fn a_socket_whose_address_would_be_too_long_is_left_out() {
        let scratch = Scratch::create().unwrap();
        let folder = |name: &str| {
            let state = scratch.path(name);
            std::fs::create_dir(&state).unwrap();
            let config = PostgresConfig { home: PathBuf::new(), state, port: 5432, also_listen: None, durable: false };
            socket_folder(&config)
        };
        assert_eq!(folder("short"), Some(scratch.path("short").canonicalize().unwrap()));
        assert_eq!(folder(&"long".repeat(30)), None);
        assert_eq!(folder("one,two"), None);
    }
}
