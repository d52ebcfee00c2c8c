//! `ingest` ends in one state, however often it was interrupted. Needs `MODEL_DIR` as well.

use std::{
    fs,
    path::{Path, PathBuf},
};

use retrieve::{
    embedding::Embedder,
    ingest::{Destination, Ingest, Source, Summary},
};
use shared::contract::retrieve::Visibility;
use uuid::Uuid;

use crate::{
    embedder::embedder,
    support::{POSTINGS, TestDatabase, with_database},
};

/// Everything that ingest stores, without numbers that the database gave.
fn lines() -> String {
    format!(
        "SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
    SELECT concat_ws(' ', 'document', owner, collection, id, title, url, language, visibility, encode(sha256, 'hex'), chunks)
        AS line FROM documents
    UNION ALL SELECT concat_ws(' ', 'chunk', d.id, ordinal, heading, text, start_char, end_char, length, embedding_model)
        FROM documents d JOIN chunks c USING (document)
    UNION ALL SELECT concat_ws(' ', 'posting', d.id, ordinal, key, frequency, postings.length)
        FROM documents d JOIN chunks c USING (document) JOIN {POSTINGS} USING (chunk)
    UNION ALL SELECT concat_ws(' ', 'term', collection, key, t.chunks) FROM terms t JOIN shelves USING (shelf) WHERE t.chunks > 0
    UNION ALL SELECT concat_ws(' ', 'shelf', owner, collection, visibility, language, chunks, length) FROM shelves
) AS lines"
    )
}

/// Counted apart, so that a row that belongs to nothing is seen.
fn rows() -> String {
    format!(
        "SELECT concat_ws(' ', (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks), (SELECT count(*) FROM {POSTINGS}))"
    )
}

const VECTORS: &str = "SELECT embedding::real[] FROM documents d JOIN chunks c USING (document) ORDER BY d.id, ordinal";

/// All that is stored. The same passage beside others in a batch has the same vector, but for the last digits.
#[derive(Debug)]
pub struct State {
    lines: String,
    rows: String,
    vectors: Vec<Vec<f32>>,
}

pub fn ingest(database: &TestDatabase, embedder: &Embedder) -> Ingest {
    let destination =
        Destination { collection: "plans".into(), owner: "system".into(), visibility: Visibility::Shared };
    Ingest::new(database.store(), embedder.clone(), destination)
}

/// A folder of 150 lines and a page, with three places that cannot be read.
fn corpus() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("navigator-corpus-{}", Uuid::new_v4()));
    fs::create_dir_all(&folder).unwrap();
    let line = |n: usize| {
        format!("{{\"id\": \"p{n}\", \"text\": \"Plan {n} has a copay of {n} dollars. It covers visits.\"}}\n")
    };
    let mut lines: String = (0..150).map(line).collect();
    lines.push_str(
        "{\"id\": \"p7\", \"text\": \"The same id again.\"}\n{\"id\": \"bad id\", \"text\": \"x\"}\nnot json\n",
    );
    fs::write(folder.join("plans.jsonl"), lines).unwrap();
    fs::write(folder.join("appeals.md"), "# Appeals\n\nYou may appeal.\n\n## Deadlines\n\nSixty days.").unwrap();
    folder
}

impl State {
    pub async fn of(database: &TestDatabase) -> Self {
        let (admin, _driver) = database.superuser().await;
        let vectors = admin.query(VECTORS, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        let text = async |sql: String| {
            admin.query_one(&sql, &[]).await.unwrap().get::<_, Option<String>>(0).unwrap_or_default()
        };
        Self { lines: text(lines()).await, rows: text(rows()).await, vectors }
    }

    pub fn assert_is(&self, expected: &Self, when: &str) {
        assert_eq!(self.rows, expected.rows, "{when}");
        let different = self.lines.lines().zip(expected.lines.lines()).find(|(is, should)| is != should);
        assert_eq!((different, self.lines.len()), (None, expected.lines.len()), "{when}");
        // The program computes in twelve bits where it can, the test in 32.
        for (is, should) in self.vectors.iter().zip(&expected.vectors) {
            assert!(is.iter().zip(should).all(|(is, should)| (is - should).abs() < 1e-3), "{when}");
        }
    }
}

pub async fn complete(database: &TestDatabase, embedder: &Embedder, folder: &Path) -> Summary {
    ingest(database, embedder).run(Source::open(folder).unwrap(), |_, _| ()).await.unwrap()
}

#[tokio::test]
async fn an_interrupted_ingest_ends_in_the_state_of_one_that_was_not() {
    let (embedder, folder) = (embedder(), corpus());
    with_database("ingest_uninterrupted", async |whole| {
        let summary = complete(&whole, &embedder, &folder).await;
        assert_eq!((summary.written, summary.unchanged, summary.skipped.len()), (151, 0, 3));
        let reasons: Vec<_> = summary.skipped.iter().map(|it| (it.place.as_str(), it.reason.as_str())).collect();
        let expected = [
            ("plans.jsonl:151", "repeats an id"),
            ("plans.jsonl:152", "`id`: expected 1 to 200 of A-Z a-z 0-9 . _ ~ : -"),
            ("plans.jsonl:153", "not JSON (column 2)"),
        ];
        assert_eq!((reasons.as_slice(), summary.left_out), (&expected[..], 3));
        let again = complete(&whole, &embedder, &folder).await;
        assert_eq!((again.written, again.chunks, again.unchanged), (0, 0, 151), "unchanged text costs nothing");
        let expected = State::of(&whole).await;
        with_database("ingest_interrupted", async |cut| {
            for steps in [0, 2, 5] {
                interrupted(&cut, &embedder, &folder, steps).await;
            }
            complete(&cut, &embedder, &folder).await;
            State::of(&cut).await.assert_is(&expected, "after three interruptions");
        })
        .await;
    })
    .await;
    fs::remove_dir_all(&folder).unwrap();
}

/// Runs until so many steps were done, and then a little on: through a look-up or some writes.
async fn interrupted(database: &TestDatabase, embedder: &Embedder, folder: &Path, steps: usize) {
    let seen = std::cell::Cell::new(0);
    let mut run =
        Box::pin(ingest(database, embedder).run(Source::open(folder).unwrap(), |_, _| seen.set(seen.get() + 1)));
    let mut polls_left = 50 * (steps + 1);
    while polls_left > 0 {
        if futures_util::poll!(&mut run).is_ready() {
            return;
        }
        polls_left -= usize::from(seen.get() >= steps);
        tokio::task::yield_now().await;
    }
}
