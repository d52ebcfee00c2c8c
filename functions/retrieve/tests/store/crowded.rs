//! Long documents that could fill all places, and what it costs to look past them.

use retrieve::store::{Nearest, Scope, Store};
use shared::contract::retrieve::{Filter, Visibility};
use tokio_postgres::Client;

use crate::support::{MODEL, TestDatabase, document, ids_of, put, put_long, soon, vector, with_database};

/// Passages that the graph, and not a comparison with all, is for.
const MANY: usize = 6_100;
/// Likewise, where they have it to themselves.
const MANY_ALONE: usize = 1_600;

fn scope(collection: &str) -> Scope {
    Scope { collection: collection.into(), filter: Filter::default(), per_document: 1, depth: 50, least: 10 }
}

/// A document of so many passages of "ten" words, all in the direction 0.
async fn handbook(database: &TestDatabase, collection: &str, passages: usize) {
    let text: String = (0..passages).map(|n| format!("Near number {n} is one of ten words here ok.\n")).collect();
    put_long(database, &document(collection, "handbook", &text, Visibility::Shared), 0.0).await;
}

/// What is found by the word and in the direction of the handbook.
async fn both(store: &Store, collection: &str) -> [Vec<String>; 2] {
    let nearest = [Nearest { vector: vector(0.0), model: MODEL.into() }];
    let by_meaning = store.dense(soon(), "ana", &scope(collection), &nearest).await.unwrap();
    let by_words = store.lexical(soon(), "ana", &scope(collection), &["ten"]).await.unwrap();
    [ids_of(store, "ana", &by_words.lists[0]).await, ids_of(store, "ana", &by_meaning.lists[0]).await]
}

#[tokio::test]
async fn a_long_document_does_not_crowd_out_short_ones() {
    with_database("a_long_document_does_not_crowd_out_short_ones", async |database| {
        let store = database.store();
        for (collection, passages) in [("small", 200), ("large", MANY)] {
            handbook(&database, collection, passages).await;
            for (id, degrees) in [("a", 70.0), ("b", 80.0), ("c", 90.0)] {
                let short = document(collection, id, "Ten, far from the others.", Visibility::Shared);
                put(&store, "ana", &short, degrees).await;
            }
            let [mut by_words, by_meaning] = both(&store, collection).await;
            assert_eq!(by_meaning, ["handbook", "a", "b", "c"], "{collection}");
            by_words.sort();
            assert_eq!(by_words, ["a", "b", "c", "handbook"], "{collection}");
        }
    })
    .await;
}

#[tokio::test]
async fn where_there_is_only_a_long_document_it_is_searched_once() {
    with_database("where_there_is_only_a_long_document_it_is_searched_once", async |database| {
        handbook(&database, "plans", MANY).await;
        let before = scans(&database).await;
        let [by_words, by_meaning] = both(&database.store(), "plans").await;
        assert_eq!((by_words, by_meaning), (vec!["handbook".to_owned()], vec!["handbook".to_owned()]));
        let after = scans(&database).await;
        assert_eq!((after[0] - before[0], after[1] - before[1]), (1, 1), "the graph, the posting list");
    })
    .await;
}

#[tokio::test]
async fn the_graph_is_for_many_or_for_those_that_have_it_to_themselves() {
    with_database("the_graph_is_for_many_or_for_those_that_have_it_to_themselves", async |database| {
        for (collection, looks) in [("plans", 1), ("others", 0)] {
            handbook(&database, collection, MANY_ALONE).await;
            let before = scans(&database).await;
            let [_, by_meaning] = both(&database.store(), collection).await;
            assert_eq!(by_meaning, ["handbook"], "{collection}");
            assert_eq!(scans(&database).await[0] - before[0], looks, "{collection}");
        }
    })
    .await;
}

/// How often the graph and posting lists were looked into, by connections that have ended since: with them their counts
/// are added.
async fn scans(database: &TestDatabase) -> [i64; 2] {
    let (admin, _driver) = database.superuser().await;
    let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND backend_type = 'client backend'";
    let gone = async || while number(&admin, left).await > 0 {};
    soon().bound("connections to end", gone()).await.unwrap();
    let of = |index| format!("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '{index}'");
    [number(&admin, &of("chunks_by_embedding")).await, number(&admin, &of("postings_pkey")).await]
}

async fn number(admin: &Client, sql: &str) -> i64 {
    admin.query_one(sql, &[]).await.unwrap().get(0)
}
