//! Apertium APy, a translator that works offline, when this machine has it (Debian: `apertium-apy`,
//! `apertium-eng-spa`).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustix::process::Signal;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::lifeline::{LastSignal, Lifeline};
use crate::logs::Logs;
use crate::process::Process;

const MODES: &str = "/usr/share/apertium/modes";
const NAMES: &str = "/usr/share/apertium-apy/langNames.db";
const START_PATIENCE: Duration = Duration::from_secs(20);
const STOP_PATIENCE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// APy has no option for the address it listens on, and by itself takes all of them.
const ON_LOOPBACK: &str = "
import sys
from tornado.tcpserver import TCPServer
bind = TCPServer.bind
TCPServer.bind = lambda self, port, address=None, **rest: bind(self, port, '127.0.0.1', **rest)
from apertium_apy.apy import main
sys.exit(main())
";

/// A running, warm Apertium.
#[derive(Debug)]
pub struct Apertium {
    process: Process,
    address: SocketAddr,
    pairs: Vec<String>,
}

impl Apertium {
    /// Starts it on a free loopback port and translates one word with every pair, because the first translation takes
    /// a second. `None` when it is not installed.
    ///
    /// # Errors
    /// When it is installed and does not work.
    pub async fn start(lifeline: &Arc<Lifeline>) -> Result<Option<Self>> {
        let Some(python) = interpreter() else {
            return Ok(None);
        };
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port();
        let logs = Logs::new("apertium", false);
        let process = Process::spawn(command(&python, port), lifeline, LastSignal::KillGroup, &logs)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut apertium = Self { process, address, pairs: Vec::new() };
        let warm = tokio::time::timeout(START_PATIENCE, apertium.warm_up()).await;
        warm.unwrap_or_else(|_| bail!("it does not answer"))
            .with_context(|| format!("Apertium does not start: {}", logs.last_words()))?;
        Ok(Some(apertium))
    }

    /// What `APERTIUM_URL` should be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its pairs, such as `eng|spa`.
    #[must_use]
    pub fn pairs(&self) -> &[String] {
        &self.pairs
    }

    /// Ends it.
    pub async fn stop(mut self) {
        self.process.stop(Signal::TERM, STOP_PATIENCE).await;
    }

    async fn warm_up(&mut self) -> Result<()> {
        let listed = loop {
            tokio::select! {
                _ = self.process.exited() => bail!("it ended"),
                listed = get(self.address, "/listPairs") => match listed {
                    Ok(listed) => break listed,
                    Err(_) => tokio::time::sleep(POLL).await,
                },
            }
        };
        self.pairs = pairs(&listed);
        for pair in &self.pairs {
            let path = format!("/translate?markUnknown=no&q=hotel&langpair={}", pair.replace('|', "%7C"));
            let translated = get(self.address, &path).await?;
            let text = translated.pointer("/responseData/translatedText").and_then(Value::as_str);
            text.with_context(|| format!("{pair} does not translate"))?;
        }
        Ok(())
    }
}

fn pairs(listed: &Value) -> Vec<String> {
    let pairs = listed["responseData"].as_array().map(Vec::as_slice).unwrap_or_default();
    let name =
        |pair: &Value| Some(format!("{}|{}", pair["sourceLanguage"].as_str()?, pair["targetLanguage"].as_str()?));
    pairs.iter().filter_map(name).collect()
}

/// The Python that the command `apertium-apy` runs on, if there is that command.
fn interpreter() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let script =
        std::env::split_paths(&folders).map(|folder| folder.join("apertium-apy")).find(|path| path.is_file())?;
    let script = std::fs::read_to_string(script).ok()?;
    let python = script.lines().next()?.strip_prefix("#!")?.split_whitespace().next()?.to_owned();
    (python.contains("python") && Path::new(MODES).is_dir()).then(|| PathBuf::from(python))
}

fn command(python: &Path, port: u16) -> Command {
    let mut command = Command::new(python);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    // Two pipelines for each pair: one that waits for a long text must not hold up a short one.
    command.args(["-c", ON_LOOPBACK, "--max-pipes-per-pair", "2", "--lang-names", NAMES, "--port", &port.to_string()]);
    command.arg(MODES);
    command
}

async fn get(address: SocketAddr, path: &str) -> Result<Value> {
    let socket = TokioIo::new(TcpStream::connect(address).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(socket).await?;
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(async { drop(connection.await) });
    let request = Request::get(path).header("host", address.to_string()).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    ensure!(response.status().is_success(), "it answers {}", response.status());
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
    let body = body.map_err(|cause| anyhow::anyhow!(cause))?;
    Ok(serde_json::from_slice(&body.to_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_from_the_list() {
        let listed = serde_json::json!({"responseData": [{"sourceLanguage": "eng", "targetLanguage": "spa"}, {}]});
        assert_eq!(pairs(&listed), ["eng|spa"]);
    }
}
