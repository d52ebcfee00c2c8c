//! Numbers for CloudWatch: JSON lines in the embedded metric format (EMF, "Specification: Embedded metric format" of the
//! CloudWatch user guide), one for each limit that has changed, written when an invocation is over.
//!
//! Counters rise from the start of the process on; what is written is what was added since the last time. Taking the
//! numbers and remembering them is one step under one lock, so that invocations that end at the same time write
//! nothing twice. Names of functions, dependencies and pools are all the text there is.

mod sample;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Mutex, PoisonError},
};

use serde_json::{Map, Value, json};

pub use self::sample::{Kind, Sample, Unit};
use crate::clock;

/// Where all of ours are.
const NAMESPACE: &str = "Navigator";
/// `emf` or `off`; without it, `emf` on Lambda only.
const SWITCH: &str = "NAVIGATOR_METRICS";

/// What was written of each counter so far.
type Written = BTreeMap<(Kind, &'static str, &'static str), u64>;

/// The metrics of one function.
#[derive(Debug)]
pub struct Metrics {
    function: &'static str,
    written: Mutex<Written>,
}

impl Metrics {
    /// The metrics of `function`; none where nobody reads them.
    ///
    /// # Errors
    /// `NAVIGATOR_METRICS` has a value that is not known.
    pub fn from_env(function: &'static str) -> Result<Option<Self>, String> {
        let on_lambda = std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some();
        let on = match std::env::var(SWITCH).as_deref() {
            Ok("emf") => true,
            Ok("off") => false,
            Ok("") | Err(_) => on_lambda,
            Ok(_) => return Err(format!("{SWITCH}: expected emf or off")),
        };
        Ok(on.then(|| Self::new(function)))
    }

    /// The metrics of `function`, of which nothing was written yet.
    pub fn new(function: &'static str) -> Self {
        Self { function, written: Mutex::default() }
    }

    /// Writes to standard output what `take` brings and was not written before.
    pub fn flush(&self, take: impl FnOnce() -> Vec<Sample>) {
        let lines = self.lines(take);
        if !lines.is_empty() {
            // One write: lines of the log do not come in between. Nobody can be told when standard output is gone.
            let mut output = std::io::stdout().lock();
            let _ = output.write_all(lines.as_bytes()).and_then(|()| output.flush());
        }
    }

    /// The lines of what `take` brings and was not among the lines before.
    pub fn lines(&self, take: impl FnOnce() -> Vec<Sample>) -> String {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = take();
        let changed = samples.into_iter().filter_map(|sample| sample.since(&mut written));
        changed.map(|sample| self.line(&sample).to_string() + "\n").collect()
    }

    /// One line of some hundred bytes: what is zero is left out.
    fn line(&self, sample: &Sample) -> Value {
        let metrics: Vec<_> =
            sample.numbers().map(|(name, unit, _)| json!({"Name": name, "Unit": unit.label()})).collect();
        let mut dimensions = vec!["function"];
        dimensions.extend(sample.kind().dimension());
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": clock::unix_ms(),
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics}],
            }),
        );
        line.insert("function".to_owned(), self.function.into());
        if let Some(dimension) = sample.kind().dimension() {
            line.insert(dimension.to_owned(), sample.name().into());
        }
        line.extend(sample.numbers().map(|(name, _, number)| (name.to_owned(), number.into())));
        Value::Object(line)
    }
}
