//! The provider simulator as a process of its own: `simulator [--port <port>]`, on loopback, until Ctrl-C.

use std::io::Write;

use anyhow::{Context, bail};
use tests::simulator::{Provider, Simulator};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let simulator = Simulator::start_on(port(&arguments)?).context("cannot start the simulator")?;
    let mut out = std::io::stdout();
    for provider in Provider::ALL {
        writeln!(out, "{:<14} {}", provider.name(), simulator.base_url(provider))?;
    }
    tokio::signal::ctrl_c().await?;
    Ok(())
}

fn port(arguments: &[String]) -> anyhow::Result<u16> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => Ok(0),
        ["--port", port] => port.parse().context("--port takes a number up to 65535"),
        _ => bail!("usage: simulator [--port <port>]"),
    }
}
