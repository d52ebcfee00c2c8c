//! The embedding service: its vectors are checked, it hears nothing that is private, and its model is not another's.

use std::{sync::Arc, time::Duration};

use retrieve::{
    embedding::{DIMENSION, EmbeddingError},
    ingest::{Destination, Ingest, Source},
    query::Query,
    retrieval::Retriever,
};
use serde_json::{Value, json};
use shared::{
    contract::retrieve::{Filter, RetrieveReply, RetrieveRequest, Visibility},
    deadline::Deadline,
};

use crate::{
    embeddings_service::{embedded, policy, remote},
    server::{Answer, Server},
    support::{TestDatabase, document, passages, put, soon, with_database},
};

#[tokio::test]
async fn passages_go_in_batches_and_their_vectors_come_back_in_order() {
    let server = Server::start(Answer::Made(embedded)).await;
    let texts: Vec<String> = (0..70).map(|number| format!("passage {number} of 219-09-9999")).collect();
    let vectors = remote(&server).embed_passages(soon(), &texts).await.unwrap();
    for (degrees, vector) in vectors.iter().enumerate() {
        let length: f32 = vector.iter().map(|value| value * value).sum();
        let expected = (degrees as f32).to_radians().sin();
        assert!((length - 1.0).abs() < 1e-5 && (vector[1] - expected).abs() < 1e-5, "{degrees}");
    }
    let asked = server.asked();
    let sizes: Vec<usize> = asked.iter().map(|asked| asked.body["input"].as_array().unwrap().len()).collect();
    assert_eq!((vectors.len(), sizes.iter().sum::<usize>(), sizes.iter().max()), (70, 70, Some(&32)));
    for asked in asked {
        assert_eq!((asked.path.as_str(), asked.authorization.as_deref()), ("/v1/embeddings", Some("Bearer key")));
        assert!(!asked.body.to_string().contains("219-09-9999"), "what is never public is masked");
        let settings = [&asked.body["model"], &asked.body["dimensions"], &asked.body["encoding_format"]];
        assert_eq!(settings, [&json!("test-model"), &json!(384), &json!("float")]);
    }
}

#[tokio::test]
async fn a_question_is_masked_and_asked_once() {
    let server = Server::start(Answer::Made(embedded)).await;
    let embedder = remote(&server);
    let question = "copay of member 219-09-9999";
    let first = embedder.embed_query(soon(), question).await.unwrap();
    assert_eq!(embedder.embed_query(soon(), question).await.unwrap(), first);
    let asked = server.asked();
    assert_eq!((asked.len(), &asked[0].body["input"]), (1, &json!(["copay of member [SSN_1]"])));
}

#[tokio::test]
async fn what_is_no_vector_is_a_fault_by_its_reason() {
    let server = Server::start(Answer::Never).await;
    let embedder = remote(&server);
    let one = |_: &Value| json!({"data": [{"index": 0, "embedding": [0.6, 0.8]}]});
    let strange = |asked: &Value| {
        let mut reply = embedded(asked);
        reply["data"][0]["index"] = json!(1);
        reply
    };
    let two = |asked: &Value| {
        let reply = embedded(asked);
        json!({"data": [reply["data"][0], reply["data"][0]]})
    };
    let nothing = |_: &Value| json!({"data": [{"index": 0, "embedding": vec![0.0; DIMENSION]}]});
    let huge = Answer::Text(format!("{{\"data\": [{{\"index\": 0, \"embedding\": [{}1e999]}}]}}", "0,".repeat(383)));
    let cases = [
        (Answer::Made(one), "fault"),
        (Answer::Made(strange), "fault"),
        (Answer::Made(two), "fault"),
        (Answer::Made(nothing), "fault"),
        (huge, "fault"),
        (Answer::Text(" ".repeat(2 << 20)), "fault"),
        (Answer::Text("{\"data\": []}".into()), "fault"),
        (Answer::Text("null".into()), "fault"),
        (Answer::Cut, "fault"),
        (Answer::Status(500), "fault"),
        (Answer::Status(403), "unauthorized"),
        (Answer::Status(413), "rejected"),
        (Answer::Status(429), "rate_limited"),
    ];
    for (number, (answer, reason)) in cases.into_iter().enumerate() {
        server.answers(answer);
        let error = embedder.embed_query(soon(), &format!("question {number}")).await.unwrap_err();
        assert!(matches!(error, EmbeddingError::Service { .. }), "{number}: {error:?}");
        assert_eq!(error.reason(), reason, "{number}");
    }
    server.answers(Answer::Never);
    let late = embedder.embed_query(Deadline::within(Duration::from_millis(50)), "late").await.unwrap_err();
    assert_eq!(late.reason(), "timeout");
    server.answers(Answer::Made(embedded));
    assert!(embedder.embed_query(soon(), "question 0").await.is_ok(), "a fault is not kept");
}

#[tokio::test]
async fn private_documents_are_refused_and_shared_ones_found() {
    with_database("private_documents_are_refused_and_shared_ones_found", async |database| {
        let server = Server::start(Answer::Made(embedded)).await;
        let folder = std::env::temp_dir().join(format!("navigator-embeddings-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("copay.txt"), "A copay is a fixed amount.").unwrap();
        let ingest = |visibility| {
            let destination = Destination { collection: "plans".into(), owner: "ana".into(), visibility };
            Ingest::new(database.store(), remote(&server), destination)
        };
        let source = || Source::open(&folder).unwrap();
        let refused = Box::pin(ingest(Visibility::Private).run(source(), |_, _| ())).await.unwrap_err().to_string();
        assert!(refused.contains("`visibility`") && refused.contains("EMBEDDING_URL"), "{refused}");
        assert!(server.asked().is_empty());
        let summary = Box::pin(ingest(Visibility::Shared).run(source(), |_, _| ())).await.unwrap();
        assert_eq!((summary.written, server.asked().len()), (1, 1));
        let reply = ask(&database, &server, Filter::default()).await;
        assert!(reply.degraded.is_empty(), "{:?}", reply.degraded);
        assert_eq!((reply.got, reply.passages[0].ranks.dense), (1, Some(1)));
        std::fs::remove_dir_all(folder).unwrap();
    })
    .await;
}

#[tokio::test]
async fn passages_by_another_model_are_not_compared_and_the_reply_says_so() {
    with_database("passages_by_another_model_are_not_compared", async |database| {
        let server = Server::start(Answer::Made(embedded)).await;
        let store = database.store();
        put(&store, "ana", &document("plans", "old", "The copay is small.", Visibility::Shared), 0.0).await;
        let only = |id: &str| Filter { document_ids: Some(vec![id.to_owned()]), ..Filter::default() };
        for filter in [Filter::default(), only("old"), only("missing")] {
            let found = usize::from(filter != only("missing"));
            let reply = ask(&database, &server, filter).await;
            assert_eq!((reply.got, knn(&reply)), (found, vec!["model_mismatch"]));
        }
        let spanish = Filter { language: Some("es".into()), ..Filter::default() };
        assert!(knn(&ask(&database, &server, spanish).await).is_empty(), "there is nothing to compare with");
        let new = document("plans", "new", "The copay is large.", Visibility::Shared);
        store.put(soon(), "ana", &new, "test-model", &passages(&new, 0.0)).await.unwrap();
        for filter in [Filter::default(), only("old"), only("missing")] {
            assert!(knn(&ask(&database, &server, filter).await).is_empty());
        }
    })
    .await;
}

async fn ask(database: &TestDatabase, server: &Server, filter: Filter) -> RetrieveReply {
    let retriever = Retriever::new(database.store(), Ok(remote(server)), Arc::new(policy()));
    let (query, collection) = ("copay".to_owned(), Some("plans".to_owned()));
    let request = RetrieveRequest { query, collection, filter: Some(filter), ..RetrieveRequest::default() };
    Box::pin(retriever.retrieve(soon(), "ana", &Query::new(request).unwrap())).await.unwrap()
}

fn knn(reply: &RetrieveReply) -> Vec<&str> {
    let of_knn = reply.degraded.iter().filter(|part| part.component == "knn");
    of_knn.map(|part| part.reason.as_str()).collect()
}
