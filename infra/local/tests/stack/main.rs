//! The host with a real `lambda_http` function (`examples/echo.rs`), and the stores.
//!
//! The tests of Postgres need `POSTGRES_HOME` and `NAVIGATOR_TEST_POSTGRES`: `local with-postgres` sets both.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what is wrong by panicking")]
#![expect(clippy::disallowed_types, reason = "a test owns its callers")]

mod client;
mod command;
mod functions;
mod postgres;
mod protocol;
mod stores;
