//! The statistics of BM25 are exact, whatever is written at once.

use std::collections::BTreeMap;

use shared::contract::retrieve::Visibility;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use crate::support::{POSTINGS, document, ids_of, put, soon, with_database};

/// Kept and counted statistics, as one comparable text each.
async fn kept_and_counted(admin: &Client) -> (String, String) {
    let kept =
        "SELECT string_agg(concat_ws(' ', shelf, key, chunks), ',' ORDER BY shelf, key) FROM terms WHERE chunks > 0";
    let counted = format!(
        "SELECT string_agg(concat_ws(' ', shelf, key, n), ',' ORDER BY shelf, key)
         FROM (SELECT shelf, key, count(*) AS n FROM {POSTINGS} JOIN chunks USING (shelf, chunk) GROUP BY shelf, key) p"
    );
    let totals =
        "SELECT string_agg(concat_ws(' ', shelf, chunks, length), ',' ORDER BY shelf) FROM shelves WHERE chunks > 0";
    let sums = format!(
        "SELECT string_agg(concat_ws(' ', shelf, n, l), ',' ORDER BY shelf) FROM (
             SELECT shelf, count(DISTINCT chunk) AS n, sum(frequency) AS l FROM {POSTINGS} GROUP BY shelf
         ) c"
    );
    let text =
        async |sql: &str| admin.query_one(sql, &[]).await.unwrap().get::<_, Option<String>>(0).unwrap_or_default();
    (text(kept).await + &text(totals).await, text(&counted).await + &text(&sums).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_and_deletes_leave_exact_counts() {
    with_database("concurrent_writers_and_deletes_leave_exact_counts", async |database| {
        let store = database.store();
        let words = ["deductible", "copay", "network", "appeal", "premium"];
        let mut writers = JoinSet::new();
        for writer in 0..6_usize {
            let store = store.clone();
            writers.spawn(async move {
                for turn in 0..8_usize {
                    let id = format!("d{}", (writer + turn) % 5);
                    let text = format!("{} {} plan.", words[(writer * turn) % 5], words[(writer + 2 * turn) % 5]);
                    let visibility = if turn % 3 == 0 { Visibility::Private } else { Visibility::Shared };
                    let document = document("plans", &id, &text, visibility);
                    if turn % 4 == 2 {
                        store.delete(soon(), "ana", &document.key).await.unwrap();
                    } else {
                        put(&store, "ana", &document, 0.0).await;
                    }
                }
            });
        }
        while let Some(done) = writers.join_next().await {
            done.unwrap();
        }
        let (admin, _driver) = database.superuser().await;
        let (kept, counted) = kept_and_counted(&admin).await;
        assert_eq!(kept, counted);
        assert!(!kept.is_empty());
    })
    .await;
}

#[tokio::test]
async fn other_peoples_private_words_do_not_change_scores() {
    with_database("other_peoples_private_words_do_not_change_scores", async |database| {
        let store = database.store();
        put(&store, "ana", &document("plans", "a", "A copay for the doctor.", Visibility::Shared), 0.0).await;
        put(&store, "ana", &document("plans", "b", "The network has a doctor.", Visibility::Shared), 0.0).await;
        let order = async || {
            let scope = retrieve::store::Scope {
                collection: "plans".into(),
                filter: shared::contract::retrieve::Filter::default(),
                per_document: 1,
                depth: 10,
                least: 10,
            };
            let found = store.lexical(soon(), "ben", &scope, &["doctor network copay"]).await.unwrap();
            ids_of(&store, "ben", &found.lists[0]).await
        };
        let before = order().await;
        for n in 0..20 {
            put(&store, "cleo", &document("plans", &format!("p{n}"), "Copay.", Visibility::Private), 0.0).await;
        }
        assert_eq!(order().await, before);
    })
    .await;
}

#[tokio::test]
async fn scores_are_those_of_the_formula() {
    with_database("scores_are_those_of_the_formula", async |database| {
        let store = database.store();
        let texts = BTreeMap::from([
            ("a", "copay copay doctor"),
            ("b", "copay doctor visit network premium appeal"),
            ("c", "doctor visit"),
            ("d", "network premium"),
        ]);
        for (id, text) in &texts {
            put(&store, "ana", &document("plans", id, text, Visibility::Shared), 0.0).await;
        }
        let scope = retrieve::store::Scope {
            collection: "plans".into(),
            filter: shared::contract::retrieve::Filter::default(),
            per_document: 1,
            depth: 10,
            least: 10,
        };
        let found = store.lexical(soon(), "ben", &scope, &["copay visits"]).await.unwrap();
        let found = ids_of(&store, "ben", &found.lists[0]).await;
        let mut expected: Vec<(&str, f64)> = texts.iter().map(|(id, text)| (*id, bm25(text, &texts))).collect();
        expected.retain(|(_, score)| *score > 0.0);
        expected.sort_by(|a, b| b.1.total_cmp(&a.1));
        assert_eq!(found, expected.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    })
    .await;
}

/// The score of `text` for "copay visit", from the definition.
fn bm25(text: &str, texts: &BTreeMap<&str, &str>) -> f64 {
    let n = texts.len() as f64;
    let length = |text: &str| text.split(' ').count() as f64;
    let average = texts.values().map(|text| length(text)).sum::<f64>() / n;
    let weight = |term: &str| {
        let df = texts.values().filter(|text| text.contains(term)).count() as f64;
        (1.0 + (n - df + 0.5) / (df + 0.5)).ln()
    };
    let score = |term: &str| {
        let tf = text.split(' ').filter(|word| *word == term).count() as f64;
        weight(term) * tf / (tf + 1.2 * (0.25 + 0.75 * length(text) / average))
    };
    score("copay") + score("visit")
}
