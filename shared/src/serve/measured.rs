//! The metrics of an invocation, written when it is over, however it ends.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;

use super::{Function, Server};
use crate::metrics::Metrics;

/// A server, and where its numbers go, if anywhere. Clones share both.
#[derive(Debug)]
pub(super) struct Measured<F> {
    pub(super) server: Server<F>,
    metrics: Option<Arc<Metrics>>,
}

/// Writes when it is dropped: at the end of an invocation, or when it is given up.
#[derive(Debug)]
pub(super) struct Invocation<F: Function>(Measured<F>);

/// A streamed reply, whose invocation is over when it is.
pub(super) struct Pieces<F: Function> {
    // Dropped in this order: the reply gives its permit back before the numbers are written.
    pieces: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
    _invocation: Invocation<F>,
}

impl<F: Function> Measured<F> {
    pub(super) fn new(server: Server<F>, metrics: Option<Metrics>) -> Self {
        Self { server, metrics: metrics.map(Arc::new) }
    }

    /// One more invocation.
    pub(super) fn invocation(&self) -> Invocation<F> {
        Invocation(self.clone())
    }

    /// Writes what was not written yet.
    pub(super) fn flush(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.flush(|| self.server.samples());
        }
    }
}

impl<F> Clone for Measured<F> {
    fn clone(&self) -> Self {
        Self { server: self.server.clone(), metrics: self.metrics.clone() }
    }
}

impl<F: Function> Invocation<F> {
    /// `pieces`, with which the invocation ends.
    pub(super) fn streams(self, pieces: Pin<Box<dyn Stream<Item = Bytes> + Send>>) -> Pieces<F> {
        Pieces { pieces, _invocation: self }
    }
}

impl<F: Function> Drop for Invocation<F> {
    fn drop(&mut self) {
        self.0.flush();
    }
}

impl<F: Function> Stream for Pieces<F> {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.pieces.as_mut().poll_next(context)
    }
}
