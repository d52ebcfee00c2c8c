//! The Runtime API as bytes on a socket, without anybody's client library.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use local::invocation::{Failure, Invocations, Reply};
use local::runtime_api;
use local::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{Client, fetch};

type Invoked = JoinSet<Result<Reply, Failure>>;

async fn host() -> (Arc<Invocations>, Server, Invoked) {
    let invocations = Invocations::new("f", 8, Duration::from_secs(20));
    let server = runtime_api::serve(Arc::clone(&invocations)).await.unwrap();
    (invocations, server, Invoked::new())
}

fn invoke(invocations: &Arc<Invocations>, invoked: &mut Invoked, payload: &'static str) {
    let invocations = Arc::clone(invocations);
    invoked.spawn(async move { invocations.invoke(Bytes::from_static(payload.as_bytes())).await });
}

async fn next(client: &mut Client) -> (String, Bytes) {
    use http_body_util::BodyExt;
    let response = client.send(Request::get("/2018-06-01/runtime/invocation/next"), b"").await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("lambda-runtime-deadline-ms"));
    assert!(response.headers().contains_key("lambda-runtime-trace-id"));
    assert_eq!(
        response.headers()["lambda-runtime-invoked-function-arn"],
        "arn:aws:lambda:us-east-1:000000000000:function:f"
    );
    let id = response.headers()["lambda-runtime-aws-request-id"].to_str().unwrap().to_owned();
    (id, response.into_body().collect().await.unwrap().to_bytes())
}

fn answer(id: &str, what: &str) -> http::request::Builder {
    Request::post(format!("/2018-06-01/runtime/invocation/{id}/{what}"))
}

#[tokio::test]
async fn an_event_is_handed_out_once_and_answered_once() {
    let (invocations, server, mut invoked) = host().await;
    let mut client = Client::connect(&server.url()).await;
    invoke(&invocations, &mut invoked, r#"{"n":1}"#);
    let (id, payload) = next(&mut client).await;
    assert_eq!(payload, r#"{"n":1}"#);
    assert_eq!(client.send(answer(&id, "response"), b"{\"ok\":true}").await.status(), 202);
    let Ok(Reply::Buffered(reply)) = invoked.join_next().await.unwrap().unwrap() else { panic!("no reply") };
    assert_eq!(reply, r#"{"ok":true}"#);
    let late = fetch(&server.url(), answer(&id, "response"), b"{}").await;
    assert_eq!(late.status(), 410);
}

#[tokio::test]
async fn errors_are_passed_on() {
    let (invocations, server, mut invoked) = host().await;
    let mut client = Client::connect(&server.url()).await;
    invoke(&invocations, &mut invoked, "{}");
    let (id, _) = next(&mut client).await;
    fetch(&server.url(), answer(&id, "error"), br#"{"errorType":"T","errorMessage":"m"}"#).await;
    let Err(Failure::Function(document)) = invoked.join_next().await.unwrap().unwrap() else { panic!("no error") };
    assert_eq!(document["errorType"], "T");
    assert_eq!(fetch(&server.url(), Request::post("/2018-06-01/runtime/init/error"), b"{}").await.status(), 202);
}

#[tokio::test]
async fn a_failure_in_the_middle_of_a_stream_comes_in_trailers() {
    let (invocations, server, mut invoked) = host().await;
    let mut client = Client::connect(&server.url()).await;
    invoke(&invocations, &mut invoked, "{}");
    let (id, _) = next(&mut client).await;
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    let request = format!(
        "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nhost: x\r\n\
         lambda-runtime-function-response-mode: streaming\r\ntransfer-encoding: chunked\r\n\
         trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n\
         4\r\nhalf\r\n0\r\nLambda-Runtime-Function-Error-Type: T\r\nLambda-Runtime-Function-Error-Body: bQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let Ok(Reply::Streamed(mut chunks)) = invoked.join_next().await.unwrap().unwrap() else { panic!("no stream") };
    assert_eq!(chunks.recv().await.unwrap().unwrap(), "half");
    let Err(Failure::Function(document)) = chunks.recv().await.unwrap() else { panic!("no failure") };
    assert_eq!(document["errorType"], "T");
    assert!(chunks.recv().await.is_none());
    let mut status = [0; 12];
    socket.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 202");
}

#[tokio::test]
async fn too_large_a_reply_is_an_error_for_both() {
    let (invocations, server, mut invoked) = host().await;
    let mut client = Client::connect(&server.url()).await;
    invoke(&invocations, &mut invoked, "{}");
    let (id, _) = next(&mut client).await;
    // More than sockets hold: who is refused in the middle of it must not be cut off.
    let response = client.send(answer(&id, "response"), &vec![b'1'; 24 * 1024 * 1024]).await;
    assert_eq!(response.status(), 413);
    let Err(Failure::Function(document)) = invoked.join_next().await.unwrap().unwrap() else { panic!("no error") };
    assert_eq!(document["errorType"], "Function.ResponseSizeTooLarge");
    invoke(&invocations, &mut invoked, r#"{"n":2}"#);
    assert_eq!(next(&mut client).await.1, r#"{"n":2}"#, "on the same connection");
}

#[tokio::test]
async fn a_poll_that_was_given_up_swallows_nothing() {
    let (invocations, server, mut invoked) = host().await;
    let mut gone = TcpStream::connect(server.address()).await.unwrap();
    gone.write_all(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    invocations.ready().await;
    gone.shutdown().await.unwrap();
    // The host closes its side once it has noticed: from then on the poll is gone.
    assert_eq!(gone.read(&mut [0; 1]).await.unwrap(), 0);
    invoke(&invocations, &mut invoked, r#"{"n":2}"#);
    let mut client = Client::connect(&server.url()).await;
    assert_eq!(next(&mut client).await.1, r#"{"n":2}"#);
}

#[tokio::test]
async fn extensions_register() {
    let (_invocations, server, _invoked) = host().await;
    let register = Request::post("/2020-01-01/extension/register").header("lambda-extension-name", "e");
    let response = fetch(&server.url(), register, br#"{"events":[]}"#).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("lambda-extension-identifier"));
}
