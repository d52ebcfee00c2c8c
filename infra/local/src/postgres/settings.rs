//! What the server is started with, and whom it lets in.

use std::net::Ipv4Addr;

use tokio::process::Command;

use super::{Postgres, PostgresConfig};
use crate::cluster::APP;

/// The log is left without statements and what they complain of.
const SETTINGS: [(&str, &str); 9] = [
    ("unix_socket_directories", ""),
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

/// `pg_hba.conf`: every role on loopback, on a second address only the functions' role from the networks that the
/// machine is connected to.
pub(super) fn access(config: &PostgresConfig) -> String {
    let mut rules = "host all all 127.0.0.1/32 scram-sha-256\n".to_owned();
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
