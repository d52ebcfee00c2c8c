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

/// The wall clock of one environment, as milliseconds since the Unix epoch. It goes on while an environment is frozen.
#[derive(Clone, Copy, Debug)]
pub enum Wall {
    /// The machine's.
    System,
    /// One that follows the runtime's clock, which tests pause; ahead of the others by `skew_ms`.
    Virtual {
        /// When it stood at [`Wall::EPOCH_MS`].
        since: Instant,
        /// How far it is ahead.
        skew_ms: i64,
    },
}

impl Wall {
    /// Where virtual clocks begin: any time will do that is long after 1970.
    pub const EPOCH_MS: i64 = 1_800_000_000_000;

    /// The time.
    pub fn now_ms(self) -> i64 {
        match self {
            Self::System => i64::try_from(unix_ms()).unwrap_or(i64::MAX),
            Self::Virtual { since, skew_ms } => {
                let gone = now().saturating_duration_since(since).as_millis();
                Self::EPOCH_MS + skew_ms + i64::try_from(gone).unwrap_or(i64::MAX)
            }
        }
    }
}

/// Wall-clock time in milliseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the wall clock")]
pub fn unix_ms() -> u64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
