//! Connections that are bounded in number, counted, and can be cut from a handler.

#![expect(clippy::disallowed_types, reason = "a simulated provider has limits of its own")]

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::journal::Journal;

const MAX_CONNECTIONS: usize = 2_048;

/// A listener that accepts no more than [`MAX_CONNECTIONS`] at once.
pub(super) struct Doorway {
    listener: TcpListener,
    slots: Arc<Semaphore>,
}

impl Doorway {
    pub(super) fn new(listener: TcpListener) -> Self {
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Self { listener, slots }
    }
}

impl Listener for Doorway {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let connection = Connection { stream, line: Line::default(), _slot: slot };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What a handler knows of the connection that its request came by.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Arc<LineState>);

#[derive(Debug, Default)]
struct LineState {
    journal: OnceLock<Arc<Journal>>,
    cut: AtomicBool,
}

impl Line {
    /// The connection counts for the provider whose journal comes first.
    pub(super) fn serves(&self, journal: &Arc<Journal>) {
        self.0.journal.get_or_init(|| {
            journal.connection_opened();
            Arc::clone(journal)
        });
    }

    /// From now on nothing is written: the next write closes the connection.
    pub(super) fn cut(&self) {
        self.0.cut.store(true, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, Doorway>> for Line {
    fn connect_info(stream: IncomingStream<'_, Doorway>) -> Self {
        stream.io().line.clone()
    }
}

/// A connection and the place that it takes.
pub(super) struct Connection {
    stream: TcpStream,
    line: Line,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(journal) = self.line.0.journal.get() {
            journal.connection_closed();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.line.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
