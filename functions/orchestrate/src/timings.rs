//! How long each stage took, for `timings_ms`.

use std::{collections::BTreeMap, future::Future, time::Duration};

use shared::clock;

/// Milliseconds by stage; a stage that runs twice adds up.
#[derive(Clone, Debug, Default)]
pub struct Timings(BTreeMap<String, f64>);

impl Timings {
    /// Runs `work` and notes its time under `stage`.
    pub async fn of<T>(&mut self, stage: &str, work: impl Future<Output = T>) -> T {
        let started = clock::now();
        let result = work.await;
        self.add(stage, started.elapsed());
        result
    }

    /// Notes a time.
    pub fn add(&mut self, stage: &str, took: Duration) {
        *self.0.entry(stage.to_owned()).or_default() += milliseconds(took);
    }

    /// As it is sent.
    pub fn into_map(self) -> BTreeMap<String, f64> {
        self.0
    }
}

/// Milliseconds with three digits after the point.
pub fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}
