//! The providers that Navigator calls, simulated on loopback: a chat and embedding model (OpenAI's shape), a reranker
//! (Cohere's), web search (Tavily's), and two translators (LibreTranslate's and Apertium APy's).
//!
//! Answers are deterministic and say that they are simulated. What the tests need from it is the rest: every
//! provider misbehaves on command ([`Fault`]), remembers what it was sent ([`Received`]), so that a test can prove
//! what did not leave the process, and counts what is in flight ([`Counters`]), so that a test can wait for a state
//! and never has to sleep. The simulator runs on a thread of its own: a test's paused clock does not stop it.

mod connection;
mod control;
mod delivery;
mod fault;
mod front;
mod journal;
mod openai;
mod provider;
mod received;
mod reply;
mod rerank;
mod tavily;
mod translation;

#[cfg(test)]
mod tests;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
};

use tokio::runtime::{Builder, Runtime};

pub use self::{
    fault::{Effect, Fault},
    journal::Counters,
    provider::Provider,
    received::Received,
};

use self::front::Front;

/// All simulated providers behind one port on loopback. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    front: Arc<Front>,
    runtime: Option<Runtime>,
}

impl Simulator {
    /// Starts on a free port.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn start() -> io::Result<Self> {
        Self::start_on(0)
    }

    /// Starts on `port`; 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken, or no thread is to be had.
    pub fn start_on(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("simulator").enable_all().build()?;
        let front = Arc::new(Front::default());
        control::listen(&runtime, listener, &front)?;
        Ok(Self { address, front, runtime: Some(runtime) })
    }

    /// Where it listens, e.g. `http://127.0.0.1:40123`, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL to configure for `provider`, e.g. `http://127.0.0.1:40123/openai/v1`.
    #[must_use]
    pub fn base_url(&self, provider: Provider) -> String {
        format!("{}{}", self.url(), provider.base_path())
    }

    /// From the next request on, `provider` misbehaves as `fault` says.
    pub fn fault(&self, provider: Provider, fault: Fault) {
        self.front.desk(provider).faults.set(fault);
    }

    /// `provider` answers normally again. Requests that are already stalled stay so.
    pub fn heal(&self, provider: Provider) {
        self.front.desk(provider).faults.clear();
    }

    /// What `provider` received, oldest first: the last 1,000 requests.
    #[must_use]
    pub fn journal(&self, provider: Provider) -> Vec<Received> {
        self.front.desk(provider).journal.entries()
    }

    /// Forgets what all providers received and starts `total` and `max_in_flight` anew.
    pub fn forget(&self) {
        self.front.forget();
    }

    /// What `provider` is doing now.
    #[must_use]
    pub fn counters(&self, provider: Provider) -> Counters {
        self.front.desk(provider).journal.counters()
    }

    /// Waits until the counters of `provider` satisfy `condition`. It does not end by itself: bound it.
    pub async fn until(&self, provider: Provider, condition: impl FnMut(&Counters) -> bool) -> Counters {
        let journal = &self.front.desk(provider).journal;
        journal.until(condition).await
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
