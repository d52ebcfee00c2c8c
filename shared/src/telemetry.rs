//! Logs: JSON lines on standard output, one for each event, with the request's id.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Installs the JSON log at the level of `AWS_LAMBDA_LOG_LEVEL` (default `info`).
///
/// Libraries log at `warn` at most: their debug lines hold requests and replies, which are patients' text.
pub fn init() {
    let level =
        std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let own = ["shared", "translate", "sanitize", "orchestrate", "retrieve", "search", "ingest"];
    let targets = Targets::new().with_default(level.min(LevelFilter::WARN)).with_targets(own.map(|name| (name, level)));
    let json =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false);
    // A second initialisation (tests in one process) keeps the first.
    let _ = tracing_subscriber::registry().with(json).with(targets).try_init();
}
