//! Documents are whole: replaced, deleted and listed as one.

use retrieve::store::Position;
use shared::contract::retrieve::Visibility;

use crate::support::{MODEL, document, passages, put, soon, with_database};

#[tokio::test]
async fn a_new_version_replaces_all_of_the_old_one() {
    with_database("a_new_version_replaces_all_of_the_old_one", async |database| {
        let store = database.store();
        let old =
            document("default", "a", "One two three. Four five six seven eight nine ten eleven.", Visibility::Private);
        let new = document("default", "a", "Only this.", Visibility::Shared);
        put(&store, "ana", &old, 0.0).await;
        put(&store, "ana", &new, 0.0).await;
        let known = store.known(soon(), "ana", "default", &["a", "b"]).await.unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!((known["a"].sha256.as_slice(), known["a"].chunks), (&new.sha256(MODEL)[..], 1));
        let (admin, _driver) = database.superuser().await;
        let texts: Vec<String> =
            admin.query("SELECT text FROM chunks", &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        assert_eq!(texts, ["Only this."]);
    })
    .await;
}

#[tokio::test]
async fn deleting_leaves_no_passage_and_no_posting() {
    with_database("deleting_leaves_no_passage_and_no_posting", async |database| {
        let store = database.store();
        let gone = document("default", "a", "A deductible is what you pay first.", Visibility::Private);
        put(&store, "ana", &gone, 0.0).await;
        let (admin, _driver) = database.superuser().await;
        let there = admin.query_one("SELECT (SELECT count(*) FROM chunks), (SELECT count(*) FROM postings)", &[]).await;
        let there = there.unwrap();
        assert_eq!((there.get::<_, i64>(0), there.get::<_, i64>(1)), (1, 3), "deductibl, pay, first");
        assert!(store.delete(soon(), "ana", &gone.key).await.unwrap());
        assert!(!store.delete(soon(), "ana", &gone.key).await.unwrap(), "it is gone");
        let tables =
            ["documents", "chunks", "postings", "terms WHERE chunks > 0", "shelves WHERE chunks > 0 OR length > 0"];
        for rows in tables {
            let left = admin.query_one(&format!("SELECT count(*) FROM {rows}"), &[]).await.unwrap();
            assert_eq!(left.get::<_, i64>(0), 0, "{rows}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_write_that_is_cut_leaves_the_old_version() {
    with_database("a_write_that_is_cut_leaves_the_old_version", async |database| {
        let store = database.store();
        let old = document("default", "a", "The old words stay.", Visibility::Private);
        let new = document("default", "a", "The new words come.", Visibility::Private);
        put(&store, "ana", &old, 0.0).await;
        let chunks = passages(&new, 0.0);
        for polls in 0..40 {
            let mut write = Box::pin(store.put(soon(), "ana", &new, MODEL, &chunks));
            for _ in 0..polls {
                if futures_util::poll!(&mut write).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(write);
            let known = store.known(soon(), "ana", "default", &["a"]).await.unwrap();
            let whole = [old.sha256(MODEL), new.sha256(MODEL)];
            assert!(whole.iter().any(|digest| known["a"].sha256 == digest), "cut after {polls} polls");
            let (admin, _driver) = database.superuser().await;
            let texts = admin.query("SELECT count(*), count(DISTINCT document) FROM chunks", &[]).await.unwrap();
            assert_eq!((texts[0].get::<_, i64>(0), texts[0].get::<_, i64>(1)), (1, 1), "cut after {polls} polls");
        }
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    with_database("pages_follow_each_other_without_gap_or_repetition", async |database| {
        let store = database.store();
        for id in ["b", "a", "c"] {
            put(&store, "ana", &document("default", id, "Words.", Visibility::Private), 0.0).await;
        }
        // The same id of another owner is another document, and stands beside the first.
        put(&store, "ben", &document("default", "b", "Other words.", Visibility::Shared), 0.0).await;
        let mut after = Position::default();
        let mut seen = Vec::new();
        loop {
            let page = store.list(soon(), "ana", "default", &after, 2).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            after = last.clone();
            seen.extend(page.into_iter().map(|(_, summary)| summary.document_id));
        }
        assert_eq!(seen, ["a", "b", "b", "c"]);
    })
    .await;
}
