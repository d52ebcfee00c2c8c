//! Documents and search on a real Postgres, in a database of each test's own.
//!
//! Needs `NAVIGATOR_TEST_POSTGRES`: the URL of a superuser of a server with a migrated database `navigator_template`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]
#![expect(clippy::disallowed_types, reason = "a test owns its callers")]

mod access;
mod crowded;
mod documents;
#[path = "../support/embedder.rs"]
mod embedder;
mod embeddings;
mod embeddings_service;
#[path = "../support/function.rs"]
mod function;
mod ingest;
mod killed;
mod pool;
mod recall;
mod rerank;
mod results;
mod routes;
mod search;
#[path = "../support/server.rs"]
mod server;
mod statistics;
#[path = "../support/mod.rs"]
mod support;
mod writes;
