//! What the server is started with, and whom it lets in.

use std::net::Ipv4Addr;
use std::path::Path;

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
/// What the names of sockets and their locks begin with.
pub(crate) const SOCKET: &str = ".s.PGSQL.";
/// The longest address of a socket that every kernel takes.
const SOCKET_LENGTH: usize = 103;

/// Whether a socket's address in `folder` is short enough and needs no escapes in the server's list of folders.
pub(super) fn takes_socket(folder: &Path, port: u16) -> bool {
    let address = folder.join(format!("{SOCKET}{port}"));
    let is_plain = folder.to_str().is_some_and(|folder| !folder.contains(['"', '\\', ',']));
    is_plain && address.as_os_str().len() <= SOCKET_LENGTH
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
    let socket = postgres.socket.as_ref().map(|folder| format!("\"{}\"", folder.display())).unwrap_or_default();
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

    #[test]
    fn a_socket_whose_address_would_be_too_long_is_left_out() {
        let takes = |folder: &str| takes_socket(Path::new(folder), 5432);
        assert!(takes("/short"));
        assert!(!takes(&format!("/{}", "long".repeat(30))));
        assert!(!takes("/one,two"));
    }
}
