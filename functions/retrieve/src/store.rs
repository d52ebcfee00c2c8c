//! Documents and passages in Postgres. Every statement runs as a principal, under row-level security.
//!
//! Reading and writing are apart: [`shelves`] and [`search`] find passages, [`mod@write`] keeps them, [`list`] shows what
//! is there. [`forward`] says which terms a passage holds, [`postings`] which passages hold a term.

mod forward;
mod list;
mod postings;
mod search;
mod shelves;
mod write;

use shared::postgres::Database;

use crate::chunker::Chunk;

pub use list::Position;
pub use search::{
    ByMeaning, ByWords, Evidence, Found, Hit, Nearest, Queries, Scope, Shown, Subject, by_meaning, by_words,
};
pub use shelves::{Shelf, Versions};
pub use write::Known;

/// The documents of the database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
}

/// A passage that is ready to be stored.
#[derive(Clone, Debug)]
pub struct IndexedChunk {
    /// What it says and where.
    pub chunk: Chunk,
    /// Its index terms in their order, repetitions kept.
    pub terms: Vec<String>,
    /// Its embedding.
    pub vector: Vec<f32>,
}

impl Store {
    /// The documents in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The database itself, for health, status and closing.
    pub fn database(&self) -> &Database {
        &self.database
    }
}
