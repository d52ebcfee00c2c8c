//! The commands of the binary `local`.

pub(crate) mod breaker;
pub(crate) mod capacity;
pub(crate) mod migrate;
pub(crate) mod run;
pub(crate) mod services;
pub(crate) mod with_database;
pub(crate) mod with_postgres;

use std::io::Write;

use tokio::signal::unix::{SignalKind, signal};

/// Waits for Ctrl-C, SIGTERM, or the end of the terminal; listens from the call on, not only once it is awaited.
///
/// Waits for ever when signals cannot be listened to: then they end the process the usual way.
pub(crate) fn told_to_stop() -> impl Future<Output = ()> {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let listeners = kinds.map(signal);
    async move {
        let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = listeners else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Tells the user something, on standard output.
pub(crate) fn say(text: &str) {
    // Nobody reads: nobody to tell.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
