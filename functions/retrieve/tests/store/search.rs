//! Search returns what exists: with filters, with long documents, in small and large collections.

use std::sync::Arc;

use retrieve::{
    error::Error,
    query::Query,
    retrieval::Retriever,
    store::{Nearest, Scope, Store, Subject},
};
use shared::contract::retrieve::{Filter, RetrieveRequest, Visibility};

use crate::support::{MODEL, document, ids_of, put, put_long, soon, vector, with_database};

fn scope(filter: Filter, per_document: usize, depth: usize) -> Scope {
    Scope { collection: "plans".into(), filter, per_document, depth, least: depth }
}

async fn lexical(store: &Store, scope: &Scope, query: &str) -> Vec<String> {
    let found = store.lexical(soon(), "ana", scope, &[query]).await.unwrap();
    ids_of(store, "ana", &found.lists[0]).await
}

async fn dense(store: &Store, scope: &Scope, degrees: f32) -> Vec<String> {
    let nearest = [Nearest { vector: vector(degrees), model: MODEL.into() }];
    let found = store.dense(soon(), "ana", scope, &nearest).await.unwrap().lists;
    ids_of(store, "ana", &found[0]).await
}

#[tokio::test]
async fn both_ways_order_and_limit_documents() {
    with_database("both_ways_order_and_limit_documents", async |database| {
        let store = database.store();
        let long = "Copay one two three four five six seven eight nine. ".repeat(3) + "Copay copay copay.";
        put(&store, "ana", &document("plans", "long", &long, Visibility::Shared), 0.0).await;
        put(&store, "ana", &document("plans", "short", "The copay is small today.", Visibility::Shared), 30.0).await;
        put(&store, "ana", &document("plans", "other", "Something else.", Visibility::Shared), 90.0).await;
        assert_eq!(lexical(&store, &scope(Filter::default(), 1, 10), "copays").await, ["long", "short"]);
        assert_eq!(dense(&store, &scope(Filter::default(), 1, 10), 40.0).await, ["short", "long", "other"]);
        assert_eq!(dense(&store, &scope(Filter::default(), 2, 3), 0.0).await, ["long", "long", "short"]);
        assert!(lexical(&store, &scope(Filter::default(), 1, 10), "the of").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn filters_return_all_that_fits() {
    with_database("filters_return_all_that_fits", async |database| {
        let store = database.store();
        for n in 0..60_u8 {
            let text = format!("The copay of plan {n}.");
            let document = document("plans", &format!("p{n}"), &text, Visibility::Shared);
            put(&store, "ana", &document, f32::from(n)).await;
        }
        let ids = Filter { document_ids: Some(vec!["p59".into(), "p3".into(), "missing".into()]), ..Filter::default() };
        assert_eq!(dense(&store, &scope(ids.clone(), 1, 10), 0.0).await, ["p3", "p59"]);
        assert_eq!(lexical(&store, &scope(ids, 1, 10), "copay").await.len(), 2);
        let prefix = Filter { url_prefix: Some("https://example.org/plans/p5".into()), ..Filter::default() };
        assert_eq!(dense(&store, &scope(prefix.clone(), 1, 50), 0.0).await.len(), 11);
        assert_eq!(lexical(&store, &scope(prefix, 1, 50), "copay").await.len(), 11);
        let spanish = Filter { language: Some("es".into()), ..Filter::default() };
        assert!(
            dense(&store, &scope(spanish, 1, 10), 0.0).await.is_empty(),
            "the collection exists, the language does not"
        );
    })
    .await;
}

/// The 30 that fit are the farthest of 6,130, and hold none of the rarer words.
#[tokio::test]
async fn what_a_filter_leaves_is_found_however_far_it_is() {
    with_database("what_a_filter_leaves_is_found_however_far_it_is", async |database| {
        let store = database.store();
        let near: String = (0..6_100).map(|n| format!("Near number {n} is one of ten words here ok.\n")).collect();
        put_long(&database, &document("plans", "near", &near, Visibility::Shared), 0.0).await;
        for n in 0..30_u8 {
            let far = document("plans", &format!("far{n}"), "Far away.", Visibility::Shared);
            put(&store, "ana", &far, 120.0 + f32::from(n)).await;
        }
        let far = Filter { url_prefix: Some("https://example.org/plans/far".into()), ..Filter::default() };
        let found = dense(&store, &scope(far.clone(), 1, 50), 0.0).await;
        assert_eq!((found.len(), found[0].as_str()), (30, "far0"));
        assert_eq!(lexical(&store, &scope(far, 1, 50), "ten words far away").await.len(), 30);
        let any = Filter { url_prefix: Some("https://".into()), ..Filter::default() };
        assert_eq!(dense(&store, &scope(any.clone(), 1, 50), 0.0).await.len(), 31, "of many the graph finds each");
        assert_eq!(lexical(&store, &scope(any, 1, 50), "ten words far away").await.len(), 31);
        let all = dense(&store, &scope(Filter::default(), 1, 50), 0.0).await;
        assert_eq!(all.len(), 31, "one long document does not crowd out the others");
    })
    .await;
}

#[tokio::test]
async fn vectors_of_another_model_are_not_compared() {
    with_database("vectors_of_another_model_are_not_compared", async |database| {
        let store = database.store();
        put(&store, "ana", &document("plans", "a", "Words.", Visibility::Shared), 0.0).await;
        let other = [Nearest { vector: vector(0.0), model: "another".into() }];
        let found = store.dense(soon(), "ana", &scope(Filter::default(), 1, 10), &other).await;
        assert!(matches!(found, Err(Error::ModelMismatch)), "{found:?}");
        let scope = scope(Filter::default(), 1, 10);
        let found = store.lexical(soon(), "ana", &scope, &["words"]).await.unwrap();
        let hit = &found.lists[0][0];
        for (model, embeddings) in [(Some("another"), 0), (Some(MODEL), 1), (None, 1)] {
            let subject = Subject { queries: &["words"], known: None, hits: &[hit], model, beginnings: true };
            let evidence = store.evidence(soon(), "ana", &scope, subject).await.unwrap();
            assert_eq!(evidence[&hit.chunk].embeddings.len(), embeddings, "{model:?}");
            let subject = Subject { known: Some(&found.queries), ..subject };
            assert_eq!(store.evidence(soon(), "ana", &scope, subject).await.unwrap(), evidence, "known or looked up");
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_deleted_meanwhile_leaves_its_place_to_those_behind() {
    with_database("what_was_deleted_meanwhile_leaves_its_place_to_those_behind", async |database| {
        let store = database.store();
        for (id, text) in [("one", "Copay copay copay."), ("two", "Copay copay here."), ("three", "The copay of all.")]
        {
            put(&store, "ana", &document("plans", id, text, Visibility::Shared), 0.0).await;
        }
        let retriever = Retriever::new(store.clone(), Err("not_configured"), Arc::clone(&database.policy));
        let (query, collection) = ("copay".to_owned(), Some("plans".to_owned()));
        let query = Query::new(RetrieveRequest { query, collection, ..RetrieveRequest::default() }).unwrap();
        let found = retriever.find(soon(), "ana", &query).await.unwrap();
        assert!(store.delete(soon(), "ana", &document("plans", "one", "Gone.", Visibility::Shared).key).await.unwrap());
        for (k, expected) in [(1, &["two"][..]), (2, &["two", "three"]), (3, &["two", "three"])] {
            let passages = retriever.passages(soon(), "ana", &found.fused, k).await.unwrap();
            let ids: Vec<&str> = passages.iter().map(|passage| passage.document_id.as_str()).collect();
            assert_eq!(ids, expected, "{k}");
        }
    })
    .await;
}
