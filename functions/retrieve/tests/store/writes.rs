//! Documents that take long, beside questions. Needs `MODEL_DIR` as well.

use lambda_http::http::StatusCode;
use retrieve::handler::Retrieve;
use serde_json::{Value, json};
use shared::{
    core::Core,
    policy::Policy,
    serve::{ReplyBody, Server},
};
use tokio_postgres::Client;

use crate::{
    function::{function, request},
    support::with_database,
};

/// Four places, of which two are for documents.
const FOUR_PLACES: &str = "
vcpu: 2
functions: {retrieve: {budget: 20s, gate: {in_flight_per_vcpu: 2, max_wait: 15s}}, orchestrate: {budget: 20s}}
service: {total: 20s}
retrieve: {embedding: 5s, knn: 5s, lexical: 5s, rerank: 5s}
dependencies: {overrides: {postgres: {timeout: 15s}, retrieve: {timeout: 20s}}}
";
/// What a writer to the collection `plans` of `ana` waits for.
const TURN: &str = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('ana' || chr(31) || 'plans', 0))";
const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[tokio::test]
async fn documents_that_take_long_leave_places_for_questions() {
    with_database("documents_that_take_long", async |database| {
        let core = Core::new(Policy::overlaid(FOUR_PLACES).unwrap());
        let (server, (admin, _driver)) = (function(&database, &core), database.superuser().await);
        let put = async |collection: &str, id: u8| {
            let body = json!({"text": "The plan covers glasses.", "visibility": "private"});
            ask(&server, "PUT", &format!("/v1/documents/{id}?collection={collection}"), &body).await
        };
        assert_eq!(put("plans", 1).await.0, StatusCode::OK);
        admin.batch_execute(TURN).await.unwrap();
        let meanwhile = async {
            wait(&admin, 2).await;
            let (status, _) = put("letters", 4).await;
            assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "a third document");
            let question = json!({"query": "glasses", "collection": "plans"});
            let (status, reply) = ask(&server, "POST", "/v1/retrieve", &question).await;
            assert_eq!((status, &reply["got"]), (StatusCode::OK, &json!(1)), "{reply}");
            admin.batch_execute("ROLLBACK").await.unwrap();
        };
        let (second, third, ()) = tokio::join!(put("plans", 2), put("plans", 3), meanwhile);
        assert_eq!((second.0, third.0), (StatusCode::OK, StatusCode::OK));
        assert_eq!(put("letters", 4).await.0, StatusCode::OK, "the places are free again");

        // Half of two places, and a quarter of four.
        for (id, from, to) in [
            (6, "in_flight_per_vcpu: 2", "in_flight_per_vcpu: 1"),
            (7, "embedding: 5s", "document_share: 0.25, embedding: 5s"),
        ] {
            core.adopt(Policy::overlaid(&FOUR_PLACES.replace(from, to)).unwrap());
            admin.batch_execute(TURN).await.unwrap();
            let meanwhile = async {
                wait(&admin, 1).await;
                assert_eq!(put("letters", id).await.0, StatusCode::TOO_MANY_REQUESTS, "{to}: one place for documents");
                admin.batch_execute("ROLLBACK").await.unwrap();
            };
            assert_eq!(tokio::join!(put("plans", id), meanwhile).0.0, StatusCode::OK);
        }
    })
    .await;
}

async fn wait(admin: &Client, writers: i64) {
    while admin.query_one(WAITING, &[]).await.unwrap().get::<_, i64>(0) < writers {
        tokio::task::yield_now().await;
    }
}

/// What ana is answered.
async fn ask(server: &Server<Retrieve>, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
    let reply = Box::pin(server.clone().answer(request("ana", "", method, path, body))).await;
    let ReplyBody::Whole(bytes) = reply.body else { panic!("a stream") };
    (reply.status, serde_json::from_slice(&bytes).unwrap_or_default())
}
