//! What a gate says of its use: once on the way up, once on the way down.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// The log of one test.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Level, event, limit's name, use and limit of each line.
    fn lines(&self) -> Vec<(String, String, String, u64, u64)> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let word = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let number = |line: &Value, name: &str| line[name].as_u64().unwrap();
        let read = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let (level, event, what) = (word(&line, "level"), word(&line, "message"), word(&line, "what"));
            (level, event, what, number(&line, "in_use"), number(&line, "limit"))
        };
        text.lines().map(read).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn warns_once_near_the_limit_and_tells_once_when_it_is_below() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(log.clone()).finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    let gate = Gate::new("bulkhead/test", limits(10, 4));
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(gate.enter(later()).await.unwrap());
    }
    // One comes and goes at the limit: nothing new.
    held.pop();
    held.push(gate.enter(later()).await.unwrap());
    held.truncate(7);
    held.push(gate.enter(later()).await.unwrap());
    held.clear();
    let line =
        |level: &str, event: &str, in_use| (level.to_owned(), event.to_owned(), "bulkhead/test".to_owned(), in_use, 10);
    assert_eq!(log.lines(), [line("WARN", "near_limit", 8), line("INFO", "below_limit", 6)]);
}

#[tokio::test(start_paused = true)]
async fn the_peak_is_of_the_time_since_it_was_asked() {
    let gate = gate(10, 0);
    let held = (gate.enter(later()).await, gate.enter(later()).await);
    drop(held.0);
    assert_eq!((gate.take_peak(), gate.take_peak()), (2, 1));
    drop(held.1);
    assert_eq!((gate.take_peak(), gate.take_peak()), (1, 0));
}
