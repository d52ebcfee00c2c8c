//! Documents and search on a real Postgres, in a database of each test's own.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod documents;
mod pool;
mod search;
mod statistics;
