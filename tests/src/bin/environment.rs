//! One environment of a fleet, as a process of its own: calls a provider steadily through the door of production, and
//! writes a line for each call's end. It stops when its input does.
//!
//! `CONTROL_TABLE` and the AWS variables name the fleet's memory, `PROVIDER_URL` whom it calls, as `tavily`.

use std::{io::Write, time::Duration};

use anyhow::Context;
use shared::{clock, core::Core, deadline::Deadline, http::Partner};
use tokio::io::AsyncReadExt;

/// Between the end of a call and the next.
const PAUSE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let core = Core::from_env().await?;
    let url = std::env::var("PROVIDER_URL").context("PROVIDER_URL is missing")?;
    let partner = Partner::new("tavily", "PROVIDER_URL", &url, &core)?;
    let mut ended = Vec::new();
    let mut input = tokio::io::stdin();
    tokio::select! {
        called = call_on(&partner) => called,
        _ = input.read_to_end(&mut ended) => Ok(()),
    }
}

async fn call_on(partner: &Partner) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    loop {
        let outcome = partner.text(Deadline::within(PATIENCE), "").await;
        writeln!(out, "{} {}", clock::unix_ms(), outcome.map_or_else(|error| error.reason(), |_| "ok"))?;
        out.flush()?;
        tokio::time::sleep(PAUSE).await;
    }
}
