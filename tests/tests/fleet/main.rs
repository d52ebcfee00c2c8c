//! The concurrency core as a fleet uses it: on the paused clock with a memory that misbehaves, and on the real parts.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints its seed"
)]

mod breaker;
mod cancellation;
mod contract;
mod crowd;
mod limiter;
mod machine;
mod outage;
mod processes;
mod simulation;
mod status;
