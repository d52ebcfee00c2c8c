//! Documents are replaced as a whole, in one transaction: readers see the old version until the new one is there.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use pgvector::HalfVector;
use shared::deadline::Deadline;
use tokio_postgres::{Error as SqlError, types::ToSql};

use super::{IndexedChunk, Store, forward, postings};
use crate::{
    document::{Document, DocumentKey, visibility_word},
    error::Error,
};

/// Writers to one collection of one owner take turns: they change the same statistics, and two that touched the rows
/// of common terms in different orders would wait for each other.
const TAKE_TURN: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 0))";
/// Not `ON CONFLICT`, which would use up a number of the sequence for every document.
const ADD_SHELF: &str = "INSERT INTO shelves (owner, collection, visibility, language) SELECT $1, $2, $3, $4
    WHERE NOT EXISTS (SELECT FROM shelves WHERE owner = $1 AND collection = $2 AND visibility = $3 AND language = $4)";
const REMOVE_CHUNKS: &str = "DELETE FROM chunks USING documents d
    WHERE chunks.document = d.document AND d.owner = $1 AND d.collection = $2 AND d.id = $3";
const PUT_DOCUMENT: &str = "INSERT INTO documents (shelf, owner, collection, id, title, url, language, visibility, sha256, chunks)
    SELECT shelf, owner, collection, $3, $6, $7, language, visibility, $8, $9 FROM shelves
    WHERE owner = $1 AND collection = $2 AND visibility = $4 AND language = $5
    ON CONFLICT (owner, collection, id) DO UPDATE SET shelf = excluded.shelf, title = excluded.title, url = excluded.url,
        language = excluded.language, visibility = excluded.visibility, sha256 = excluded.sha256,
        chunks = excluded.chunks, updated_at = now()
    RETURNING document, shelf";
const ADD_CHUNKS: &str = "INSERT INTO chunks
        (document, shelf, ordinal, heading, text, start_char, end_char, length, terms, embedding, embedding_model)
    SELECT $1, $2, p.ordinal, p.heading, p.text, p.start_char, p.end_char, p.length, p.terms, p.embedding, $3
    FROM unnest($4::int4[], $5::text[], $6::text[], $7::int4[], $8::int4[], $9::int4[], $10::bytea[], $11::halfvec[])
        AS p (ordinal, heading, text, start_char, end_char, length, terms, embedding)
    RETURNING ordinal, chunk";
const ADD_POSTINGS: &str = "INSERT INTO postings AS p (shelf, key, block, entries)
    SELECT $1, added.key, added.block, added.entries
    FROM unnest($2::int4[], $3::int4[], $4::bytea[]) AS added (key, block, entries)
    ON CONFLICT (shelf, key, block) DO UPDATE SET entries = p.entries || excluded.entries";
const DELETE: &str = "DELETE FROM documents WHERE owner = $1 AND collection = $2 AND id = $3";
const KNOWN: &str = "SELECT id, sha256, chunks FROM documents WHERE owner = $1 AND collection = $2 AND id = ANY ($3)";

/// What is stored of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The digest of what it was made from.
    pub sha256: Vec<u8>,
    /// How many passages it has.
    pub chunks: i32,
}

/// Passages as the columns of one statement.
#[derive(Default)]
struct Columns<'a> {
    ordinals: Vec<i32>,
    headings: Vec<&'a str>,
    texts: Vec<&'a str>,
    starts: Vec<i32>,
    ends: Vec<i32>,
    lengths: Vec<i32>,
    terms: Vec<Vec<u8>>,
    vectors: Vec<HalfVector>,
}

impl Store {
    /// What is stored of `ids` in a collection of `owner`. One statement, however many they are.
    pub async fn known(
        &self,
        deadline: Deadline,
        owner: &str,
        collection: &str,
        ids: &[&str],
    ) -> Result<HashMap<String, Known>, Error> {
        let work = async |transaction: &Transaction<'_>| {
            let statement = transaction.prepare_cached(KNOWN).await?;
            let rows = transaction.query(&statement, &[&owner, &collection, &ids]).await?;
            let known = |row: &tokio_postgres::Row| {
                Ok((row.try_get(0)?, Known { sha256: row.try_get(1)?, chunks: row.try_get(2)? }))
            };
            rows.iter().map(known).collect()
        };
        Ok(self.database.read(deadline, owner, work).await?)
    }

    /// Stores `document` for `owner` in place of what was there. `chunks` is not empty.
    pub async fn put(
        &self,
        deadline: Deadline,
        owner: &str,
        document: &Document,
        model: &str,
        chunks: &[IndexedChunk],
    ) -> Result<(), Error> {
        let sha256 = document.sha256(model);
        let work = async |transaction: &Transaction<'_>| {
            let (number, shelf) = put_document(transaction, owner, document, &sha256, chunks.len()).await?;
            let numbers = add_chunks(transaction, number, shelf, model, chunks).await?;
            add_postings(transaction, shelf, chunks, &numbers).await
        };
        Ok(self.database.write(deadline, owner, work).await?)
    }

    /// Deletes a document of `owner` with its passages. False when there was none.
    pub async fn delete(&self, deadline: Deadline, owner: &str, key: &DocumentKey) -> Result<bool, Error> {
        let work = async |transaction: &Transaction<'_>| {
            take_turn(transaction, owner, &key.collection).await?;
            let statement = transaction.prepare_cached(DELETE).await?;
            transaction.execute(&statement, &[&owner, &key.collection, &key.id]).await
        };
        Ok(self.database.write(deadline, owner, work).await? > 0)
    }
}

async fn take_turn(transaction: &Transaction<'_>, owner: &str, collection: &str) -> Result<(), SqlError> {
    let statement = transaction.prepare_cached(TAKE_TURN).await?;
    transaction.query_one(&statement, &[&owner, &collection]).await.map(drop)
}

/// The document's row, on the right shelf, without passages. Returns the numbers of both.
async fn put_document(
    transaction: &Transaction<'_>,
    owner: &str,
    document: &Document,
    sha256: &[u8; 32],
    chunks: usize,
) -> Result<(i64, i32), SqlError> {
    let DocumentKey { collection, id } = &document.key;
    let Document { title, url, language, visibility, .. } = document;
    let visibility = visibility_word(*visibility);
    take_turn(transaction, owner, collection).await?;
    let add_shelf = transaction.prepare_cached(ADD_SHELF).await?;
    transaction.execute(&add_shelf, &[&owner, collection, &visibility, language]).await?;
    let remove = transaction.prepare_cached(REMOVE_CHUNKS).await?;
    transaction.execute(&remove, &[&owner, collection, id]).await?;
    let put = transaction.prepare_cached(PUT_DOCUMENT).await?;
    let (sha256, chunks) = (&sha256[..], integer(chunks));
    let row = transaction
        .query_one(&put, &[&owner, collection, id, &visibility, language, title, url, &sha256, &chunks])
        .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Returns the number that each passage got.
async fn add_chunks(
    transaction: &Transaction<'_>,
    document: i64,
    shelf: i32,
    model: &str,
    chunks: &[IndexedChunk],
) -> Result<Vec<i64>, SqlError> {
    let mut columns = Columns::default();
    chunks.iter().for_each(|chunk| columns.push(chunk));
    let Columns { ordinals, headings, texts, starts, ends, lengths, terms, vectors } = &columns;
    let statement = transaction.prepare_cached(ADD_CHUNKS).await?;
    let parameters: [&(dyn ToSql + Sync); 11] =
        [&document, &shelf, &model, ordinals, headings, texts, starts, ends, lengths, terms, vectors];
    let rows = transaction.query(&statement, &parameters).await?;
    let mut numbers =
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<Vec<(i32, i64)>, SqlError>>()?;
    numbers.sort_unstable();
    Ok(numbers.into_iter().map(|(_, number)| number).collect())
}

async fn add_postings(
    transaction: &Transaction<'_>,
    shelf: i32,
    chunks: &[IndexedChunk],
    numbers: &[i64],
) -> Result<(), SqlError> {
    let passages = numbers.iter().copied().zip(chunks.iter().map(|chunk| chunk.terms.as_slice()));
    let postings::Columns { keys, blocks, entries } = postings::packed(passages);
    let statement = transaction.prepare_cached(ADD_POSTINGS).await?;
    transaction.execute(&statement, &[&shelf, &keys, &blocks, &entries]).await.map(drop)
}

impl<'a> Columns<'a> {
    fn push(&mut self, indexed: &'a IndexedChunk) {
        let chunk = &indexed.chunk;
        self.ordinals.push(integer(self.ordinals.len()));
        self.headings.push(&chunk.heading);
        self.texts.push(&chunk.text);
        self.starts.push(integer(chunk.chars.start));
        self.ends.push(integer(chunk.chars.end));
        self.lengths.push(integer(indexed.terms.len()));
        self.terms.push(forward::encoded(&indexed.terms));
        self.vectors.push(HalfVector::from_f32_slice(&indexed.vector));
    }
}

/// Documents are far smaller than what the columns hold.
fn integer(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
