//! What the processes of the stack write.
//!
//! Every line goes to our standard error behind the process's name, or only into a bounded memory, which is what a
//! start-up error quotes and what tests read.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Lines kept of each process.
const KEPT_LINES: usize = 2_000;
/// A longer line is cut into pieces of this many bytes.
const LINE_BYTES: usize = 64 * 1024;

/// The output of one process, across its restarts.
#[derive(Debug)]
pub struct Logs {
    name: String,
    echo: bool,
    kept: Mutex<VecDeque<String>>,
}

impl Logs {
    /// With `echo` lines also go to standard error.
    #[must_use]
    pub fn new(name: &str, echo: bool) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), echo, kept: Mutex::default() })
    }

    /// The last lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The last line that says something.
    #[must_use]
    pub fn last_words(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().find(|line| !line.trim().is_empty()).cloned().unwrap_or_else(|| "nothing".to_owned())
    }

    /// Reads until the process closes its end.
    pub(crate) async fn follow(self: Arc<Self>, output: impl AsyncRead + Unpin) {
        let mut reader = BufReader::with_capacity(LINE_BYTES, output);
        let mut line = Vec::new();
        while let Ok(chunk) = reader.fill_buf().await {
            if chunk.is_empty() {
                break;
            }
            let (taken, complete) = match chunk.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (chunk.len(), false),
            };
            line.extend_from_slice(&chunk[..taken]);
            reader.consume(taken);
            if complete || line.len() >= LINE_BYTES {
                self.keep(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
        }
        if !line.is_empty() {
            self.keep(String::from_utf8_lossy(&line).into_owned());
        }
    }

    fn keep(&self, line: String) {
        if self.echo {
            // Standard error that is gone is no reason to stop.
            let _ = writeln!(std::io::stderr().lock(), "{:<12}| {line}", self.name);
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}
