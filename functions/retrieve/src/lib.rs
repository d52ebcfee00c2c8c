//! Finds the passages that answer a question.
//!
//! A document is cut into passages of whole sentences ([`chunker`]), each embedded by all-MiniLM-L6-v2 in process or by a service
//! ([`embedding`]) and analysed into index terms ([`analysis`]), and stored in Postgres ([`store`]) by one transaction
//! under row-level security. A query ([`query`]) is searched by meaning (HNSW, cosine) and by words (BM25) at once
//! ([`retrieval`]), the two orders are fused by rank and score ([`fusion`]), and what was found is ordered anew by all that
//! is known of it ([`rerank`]). Each way has its own ceiling; what is late or fails is left out and the reply says so.
//!
//! Lexical search is BM25 with document frequencies of our own: Postgres' `ts_rank` knows no document frequency and
//! no term saturation, and on the public test sets loses a tenth of nDCG against it.
//!
//! Whose documents: a [`shared::principal::Principal`] sees what is shared and what it owns, and writes what it owns.
//! The database decides that, not this code.
//!
//! The binary `ingest` ([`ingest`]) loads files and folders through the same steps.

pub mod analysis;
pub mod chunker;
pub mod config;
pub mod document;
pub mod embedding;
pub mod error;
pub mod extract;
pub mod form;
pub mod fusion;
pub mod handler;
pub mod indexing;
pub mod ingest;
pub mod query;
pub mod rerank;
pub mod results;
pub mod retrieval;
pub mod service;
pub mod store;
pub mod text;
