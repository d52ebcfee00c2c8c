//! What was found a moment ago: it is shown to those who would find the same, and until something changes.

use std::sync::Arc;

use futures_util::future::join;
use retrieve::{query::Query, results::Results, retrieval::Retriever};
use shared::contract::retrieve::{RetrieveReply, RetrieveRequest, Visibility};

use crate::{
    embeddings_service::{embedded, policy, remote},
    server::{Answer, Server},
    support::{TestDatabase, document, passages, soon, with_database},
};

const MODEL: &str = "test-model";

async fn retriever(database: &TestDatabase) -> (Retriever, Server) {
    let server = Server::start(Answer::Made(embedded)).await;
    let retriever = Retriever::new(database.store(), Ok(remote(&server)), Arc::new(policy()));
    (retriever.with_results(Results::new(&policy().retrieve)), server)
}

async fn put(database: &TestDatabase, owner: &str, id: &str, visibility: Visibility) {
    let document = document("plans", id, &format!("The copay of {id}."), visibility);
    database.store().put(soon(), owner, &document, MODEL, &passages(&document, 0.0)).await.unwrap();
}

async fn ask(retriever: &Retriever, principal: &str) -> RetrieveReply {
    let (query, collection) = ("copay".to_owned(), Some("plans".to_owned()));
    let request = RetrieveRequest { query, collection, ..RetrieveRequest::default() };
    let reply = Box::pin(retriever.retrieve(soon(), principal, &Query::new(request).unwrap())).await.unwrap();
    assert_eq!((reply.got, reply.asked), (reply.passages.len(), 5));
    reply
}

fn ids(reply: &RetrieveReply) -> Vec<&str> {
    let mut ids: Vec<&str> = reply.passages.iter().map(|passage| passage.document_id.as_str()).collect();
    ids.sort_unstable();
    ids
}

fn was_kept(reply: &RetrieveReply) -> bool {
    reply.timings_ms.contains_key("cache")
}

#[tokio::test]
async fn equal_questions_are_searched_once_until_something_changes() {
    with_database("equal_questions_are_searched_once_until_something_changes", async |database| {
        let (retriever, _server) = retriever(&database).await;
        put(&database, "ana", "one", Visibility::Shared).await;
        let (first, second) = join(ask(&retriever, "ana"), ask(&retriever, "ana")).await;
        assert_eq!([was_kept(&first), was_kept(&second)].iter().filter(|kept| **kept).count(), 1, "one searches");
        assert_eq!(first.passages, second.passages);
        put(&database, "ana", "two", Visibility::Shared).await;
        for kept in [false, true] {
            let reply = ask(&retriever, "ana").await;
            assert_eq!((ids(&reply), was_kept(&reply)), (vec!["one", "two"], kept));
        }
        let one = document("plans", "one", "Gone.", Visibility::Shared);
        assert!(database.store().delete(soon(), "ana", &one.key).await.unwrap());
        let reply = ask(&retriever, "ana").await;
        assert_eq!((ids(&reply), was_kept(&reply)), (vec!["two"], false));
    })
    .await;
}

#[tokio::test]
async fn nobody_is_shown_what_another_may_read() {
    with_database("nobody_is_shown_what_another_may_read", async |database| {
        let (retriever, _server) = retriever(&database).await;
        put(&database, "ana", "open", Visibility::Shared).await;
        put(&database, "ana", "secret", Visibility::Private).await;
        let expected: [(&str, &[&str], bool); 6] = [
            ("ana", &["open", "secret"], false),
            ("ana", &["open", "secret"], true),
            ("ben", &["open"], false),
            ("cleo", &["open"], true),
            ("", &["open"], true),
            ("ana", &["open", "secret"], false),
        ];
        for (principal, expected, kept) in expected {
            let reply = ask(&retriever, principal).await;
            assert_eq!((ids(&reply).as_slice(), was_kept(&reply)), (expected, kept), "{principal}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_degraded_is_not_kept() {
    with_database("what_is_degraded_is_not_kept", async |database| {
        put(&database, "ana", "one", Visibility::Shared).await;
        let words_alone = Retriever::new(database.store(), Err("not_configured"), Arc::new(policy()));
        let words_alone = words_alone.with_results(Results::new(&policy().retrieve));
        for _ in 0..2 {
            let reply = ask(&words_alone, "ana").await;
            assert!(!was_kept(&reply) && reply.degraded.len() == 1, "{reply:?}");
        }
    })
    .await;
}
