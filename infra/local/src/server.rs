//! A small HTTP/1.1 server whose connections end with it.
//!
//! Dropping a [`Server`] closes its port and every connection at once. That is what makes a stopped function's
//! Runtime API, a test's gateway or an outage of either end cleanly, without a task left behind.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// The body of every answer: whole or streamed.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn StdError + Send + Sync>>;

/// What a handler returns.
pub type Answer = Response<Body>;

/// How long to wait before accepting again when the machine is out of sockets.
const OUT_OF_SOCKETS_PAUSE: Duration = Duration::from_millis(50);

/// What one server accepts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// How long a connection may go without sending a whole request head; `None` for long polls by our own children.
    pub head: Option<Duration>,
}

/// A listening server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl Server {
    /// Serves `listener` until the value is dropped.
    ///
    /// # Errors
    /// When the listener has no local address.
    pub fn start<H, F>(listener: TcpListener, limits: Limits, handler: H) -> io::Result<Self>
    where
        H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let address = listener.local_addr()?;
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, limits, handler));
        Ok(Self { address, _accepting: accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn accept<H, F>(listener: TcpListener, limits: Limits, handler: H)
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((socket, peer)) => {
                connections.spawn(serve(socket, peer, limits, handler.clone(), permit));
            }
            Err(_) => tokio::time::sleep(OUT_OF_SOCKETS_PAUSE).await,
        }
    }
}

async fn serve<H, F>(socket: TcpStream, peer: SocketAddr, limits: Limits, handler: H, _permit: OwnedSemaphorePermit)
where
    H: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Answer>,
{
    // Server-sent events are small: without this the kernel holds them back for the client's acknowledgement.
    let _ = socket.set_nodelay(true);
    let service = service_fn(|request| {
        let answer = handler(request, peer);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(TokioIo::new(socket), service);
    // A client that goes away is its own business.
    let _ = connection.await;
}

/// A whole body.
#[must_use]
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer with a JSON body.
#[must_use]
pub fn json(status: StatusCode, value: &serde_json::Value) -> Answer {
    let mut answer = Response::new(full(value.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
