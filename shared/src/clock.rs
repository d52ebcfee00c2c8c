//! The only place that reads a clock.
//!
//! Waits and decisions use the runtime's clock, which tests pause; the wall clock serves only what leaves the
//! process (Lambda's deadline, headers between functions).

use tokio::time::Instant;

/// Monotonic time. Stands still in a test that pauses it.
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the monotonic clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Wall-clock time in milliseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the wall clock")]
pub fn unix_ms() -> u64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
