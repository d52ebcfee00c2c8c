//! The host with a real `lambda_http` function (`examples/echo.rs`), and the stores.
//!
//! The tests of Postgres need `POSTGRES_HOME` and `NAVIGATOR_TEST_POSTGRES`: `local with-postgres` sets both.

mod client;
mod command;
mod functions;
mod postgres;
mod protocol;
mod stores;
