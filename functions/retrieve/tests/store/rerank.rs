//! The reranking service: its order is taken, its faults are not, and it hears nothing that is private.

use std::{sync::Arc, time::Duration};

use retrieve::{
    query::Query,
    rerank::{Remote, Reranker},
    retrieval::Retriever,
};
use serde_json::{Value, json};
use shared::{
    contract::retrieve::{Ranks, RetrieveReply, RetrieveRequest, Visibility},
    core::Core,
    phi,
    policy::Policy,
};

use crate::{
    server::{Answer, Server},
    support::{TestDatabase, document, put, soon, with_database},
};

/// Time enough for the service.
const PATIENT: Duration = Duration::from_secs(20);

/// The last comes first.
fn reversed(asked: &Value) -> Value {
    let sent = asked["documents"].as_array().unwrap().len();
    let score = |index| json!({"index": index, "relevance_score": (index + 1) as f64 / 10.0, "document": null});
    json!({"id": "x", "results": (0..sent).map(score).collect::<Vec<_>>(), "meta": {}})
}

/// Each fault by itself: no circuit opens, and no limit is reached.
fn policy(ceiling: Duration) -> Policy {
    let mut policy =
        Policy::overlaid("dependencies: { overrides: { rerank: { rate: null, breaker: { mode: metrics_only } } } }")
            .unwrap();
    (policy.retrieve.lexical, policy.retrieve.rerank) = (PATIENT, ceiling);
    for name in ["rerank", "postgres"] {
        policy.dependencies.overrides.get_mut(name).unwrap().limits.timeout = PATIENT;
    }
    policy
}

fn retriever(database: &TestDatabase, server: &Server, ceiling: Duration) -> Retriever {
    let core = Core::new(policy(ceiling));
    let remote: Arc<dyn Reranker> = Arc::new(Remote::new(server.settings(), &core).unwrap());
    Retriever::new(database.store(), Err("not_configured"), core.policy()).with_remote(Some(remote))
}

async fn ask(retriever: &Retriever, rerank: bool) -> RetrieveReply {
    let (query, collection) = ("copay of member 219-09-9999".to_owned(), Some("plans".to_owned()));
    let request = RetrieveRequest { query, collection, rerank: Some(rerank), ..RetrieveRequest::default() };
    Box::pin(retriever.retrieve(soon(), "ana", &Query::new(request).unwrap())).await.unwrap()
}

fn ids(reply: &RetrieveReply) -> Vec<&str> {
    reply.passages.iter().map(|passage| passage.document_id.as_str()).collect()
}

fn reasons(reply: &RetrieveReply) -> Vec<&str> {
    let of_rerank = reply.degraded.iter().filter(|part| part.component == "rerank");
    of_rerank.map(|part| part.reason.as_str()).collect()
}

/// Three pages that all may read: the more often one says copay, the further it is in front.
async fn three(database: &TestDatabase) {
    let store = database.store();
    for (id, text) in [("one", "Copay copay copay."), ("two", "Copay copay here."), ("three", "The copay of all.")] {
        put(&store, "ana", &document("plans", id, text, Visibility::Shared), 0.0).await;
    }
}

#[tokio::test]
async fn the_order_of_the_service_is_taken() {
    with_database("the_order_of_the_service_is_taken", async |database| {
        three(&database).await;
        let server = Server::start(Answer::Made(reversed)).await;
        let reply = ask(&retriever(&database, &server, PATIENT), true).await;
        assert_eq!(ids(&reply), ["three", "two", "one"]);
        let ranks = |place| Ranks { dense: None, lexical: Some(4 - place), rerank: Some(place) };
        let places: Vec<Ranks> = reply.passages.iter().map(|passage| passage.ranks).collect();
        assert_eq!(places, [ranks(1), ranks(2), ranks(3)]);
        assert!((reply.passages[0].score - 0.3).abs() < 1e-9, "{:?}", reply.passages[0]);
        assert!(reasons(&reply).is_empty() && reply.timings_ms.contains_key("rerank"));
        let asked = server.asked();
        assert_eq!((asked.len(), asked[0].path.as_str()), (1, "/v1/rerank"));
        assert_eq!(asked[0].authorization.as_deref(), Some("Bearer key"));
        let documents =
            ["Page one\nCopay copay copay.", "Page two\nCopay copay here.", "Page three\nThe copay of all."];
        let expected = json!({
            "model": "test-model", "query": "copay of member [SSN_1]", "documents": documents, "top_n": 3,
        });
        assert_eq!(asked[0].body, expected);
    })
    .await;
}

#[tokio::test]
async fn what_is_private_is_ordered_in_process() {
    with_database("what_is_private_is_ordered_in_process", async |database| {
        three(&database).await;
        let server = Server::start(Answer::Made(reversed)).await;
        let remote = retriever(&database, &server, PATIENT);
        put(&database.store(), "ben", &document("plans", "bens", "Copay of Ben.", Visibility::Private), 0.0).await;
        assert_eq!(ids(&ask(&remote, true).await), ["three", "two", "one"], "what she cannot see does not matter");
        server.asked();
        put(&database.store(), "ana", &document("plans", "anas", "The copay of Ana.", Visibility::Private), 0.0).await;
        let reply = ask(&remote, true).await;
        assert!(server.asked().is_empty(), "a private passage is among the candidates");
        let local = Retriever::new(database.store(), Err("not_configured"), Arc::new(policy(PATIENT)));
        assert_eq!(reply.passages, ask(&local, true).await.passages);
        assert!(reasons(&reply).is_empty());
        assert!(reply.passages.iter().all(|passage| passage.ranks.rerank.is_some()));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_believed_leaves_the_order_as_it_was() {
    with_database("what_cannot_be_believed_leaves_the_order_as_it_was", async |database| {
        three(&database).await;
        let server = Server::start(Answer::Never).await;
        let remote = retriever(&database, &server, PATIENT);
        let fused = ask(&remote, false).await;
        assert!(server.asked().is_empty(), "nothing is asked of a service when no reranking is wanted");
        let scored = |index: &str, score: &str| {
            Answer::Text(format!("{{\"results\": [{{\"index\": {index}, \"relevance_score\": {score}}}]}}"))
        };
        let twice = |_: &Value| {
            let score = json!({"index": 0, "relevance_score": 0.5});
            json!({"results": [score, score]})
        };
        let more = |_: &Value| {
            let score = |index| json!({"index": index, "relevance_score": 0.5});
            json!({"results": (0..4).map(score).collect::<Vec<_>>()})
        };
        let oversized = Answer::Text(format!("{{\"results\": []{}}}", " ".repeat(2 << 20)));
        let cases = [
            (scored("3", "0.5"), "fault"),
            (scored("-1", "0.5"), "fault"),
            (scored("0.5", "0.5"), "fault"),
            (scored("0", "NaN"), "fault"),
            (scored("0", "null"), "fault"),
            (scored("0", "1e999"), "fault"),
            (Answer::Made(twice), "fault"),
            (Answer::Made(more), "fault"),
            (Answer::Text("{\"results\": []}".into()), "fault"),
            (Answer::Text("[]".into()), "fault"),
            (Answer::Text(String::new()), "fault"),
            (oversized, "fault"),
            (Answer::Cut, "fault"),
            (Answer::Status(500), "fault"),
            (Answer::Status(302), "fault"),
            (Answer::Status(401), "unauthorized"),
            (Answer::Status(422), "rejected"),
            (Answer::Status(402), "quota"),
            (Answer::Status(429), "rate_limited"),
        ];
        for (answer, reason) in cases {
            server.answers(answer);
            let reply = ask(&remote, true).await;
            assert_eq!((&reply.passages, reasons(&reply)), (&fused.passages, vec![reason]));
        }
    })
    .await;
}

#[tokio::test]
async fn a_service_that_is_late_is_left_out() {
    with_database("a_service_that_is_late_is_left_out", async |database| {
        three(&database).await;
        let server = Server::start(Answer::Never).await;
        phi::warm_up();
        let remote = retriever(&database, &server, Duration::from_millis(500));
        let reply = ask(&remote, true).await;
        assert_eq!((ids(&reply), reasons(&reply)), (vec!["one", "two", "three"], vec!["timeout"]));
    })
    .await;
}

#[tokio::test]
async fn passages_without_a_score_come_behind() {
    with_database("passages_without_a_score_come_behind", async |database| {
        three(&database).await;
        let some = |_: &Value| json!({"results": [{"index": 2, "relevance_score": 7.5}]});
        let server = Server::start(Answer::Made(some)).await;
        let reply = ask(&retriever(&database, &server, PATIENT), true).await;
        assert_eq!(ids(&reply), ["three", "one", "two"]);
        let places: Vec<_> = reply.passages.iter().map(|passage| passage.ranks.rerank).collect();
        assert_eq!(places, [Some(1), None, None]);
        assert!(reply.passages.is_sorted_by(|a, b| a.score >= b.score));
        assert!(reply.passages.iter().all(|passage| (0.0..=1.0).contains(&passage.score)));
    })
    .await;
}
