//! DynamoDB over HTTP, and its outage.

use http::Request;
use local::dynamo::{Dynamo, DynamoConfig};
use local::state::Scratch;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::client::{Client, fetch, json as json_of};

async fn call(url: &str, operation: &str, body: &Value) -> Value {
    let request = Request::post("/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=0");
    json_of(&fetch(url, request, body.to_string().as_bytes()).await)
}

#[tokio::test]
async fn the_tables_are_there_and_expire() {
    let dynamo = Dynamo::start(DynamoConfig { state: None, port: 0, also_listen: None }).await.unwrap();
    let tables = call(&dynamo.url(), "ListTables", &json!({})).await;
    assert_eq!(tables["TableNames"], json!(["control", "conversations"]));
    for table in ["control", "conversations"] {
        let expiry = call(&dynamo.url(), "DescribeTimeToLive", &json!({"TableName": table})).await;
        assert_eq!(expiry["TimeToLiveDescription"]["AttributeName"], "ttl");
    }
    dynamo.stop().await;
}

#[tokio::test]
async fn an_outage_cuts_connections_and_keeps_the_items() {
    let scratch = Scratch::create().unwrap();
    let config = DynamoConfig { state: Some(scratch.path("dynamo")), port: 0, also_listen: None };
    let dynamo = Dynamo::start(config.clone()).await.unwrap();
    let item = json!({"TableName": "control", "Item": {"pk": {"S": "a"}}});
    assert_eq!(call(&dynamo.url(), "PutItem", &item).await, json!({}));
    let mut connected = Client::connect(&dynamo.url()).await;
    assert_eq!(connected.get("/").await.0, 200);
    dynamo.stop().await;
    assert!(TcpStream::connect(dynamo.url().strip_prefix("http://").unwrap()).await.is_err());
    dynamo.resume().await.unwrap();
    let key = json!({"TableName": "control", "Key": {"pk": {"S": "a"}}});
    assert_eq!(call(&dynamo.url(), "GetItem", &key).await["Item"]["pk"]["S"], "a");
    drop(dynamo);
    let again = Dynamo::start(config).await.unwrap();
    assert_eq!(call(&again.url(), "GetItem", &key).await["Item"]["pk"]["S"], "a");
    again.stop().await;
}
