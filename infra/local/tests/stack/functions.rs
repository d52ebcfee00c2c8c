//! Requests through the gateway and Invoke to a real function, and what happens when it misbehaves.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use local::stack::{DatabaseChoice, FunctionChoice, Stack, StackConfig, binaries};

use crate::client::{Client, fetch, json, text};

async fn stack(change: impl FnOnce(&mut FunctionChoice)) -> Stack {
    let binary = binaries().unwrap().join("examples/echo");
    let mut config = StackConfig::new(binaries().unwrap());
    let mut echo = FunctionChoice::new(binary, "orchestrate");
    echo.concurrency = 4;
    change(&mut echo);
    config.functions = [("orchestrate".to_owned(), echo)].into();
    config.database = DatabaseChoice::None;
    config.dynamo = None;
    Stack::start(config).await.unwrap()
}

fn stream(echo: &mut FunctionChoice) {
    echo.env.insert("RESPONSE_MODE".to_owned(), "stream".to_owned());
}

#[tokio::test]
async fn a_request_reaches_the_function_and_its_reply_the_client() {
    let stack = stack(|_| {}).await;
    let request = Request::post("/v1/chat?a=1&a=2").header("x-amzn-request-context", "{}");
    let response = fetch(&stack.gateway_url(), request, "¿qué?".as_bytes()).await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    let seen = json(&response);
    assert_eq!((&seen["method"], &seen["path"], &seen["body"]), (&"POST".into(), &"/v1/chat".into(), &"¿qué?".into()));
    assert_eq!(seen["query"], serde_json::json!(["a=1", "a=2"]));
    assert_eq!(seen["arn"], "arn:aws:lambda:us-east-1:000000000000:function:orchestrate");
    assert_eq!(seen["in_time"], true);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_function_sees_none_of_our_variables() {
    let stack = stack(|_| {}).await;
    let seen = json(&fetch(&stack.gateway_url(), Request::get("/"), b"").await);
    let variables: Vec<_> = seen["variables"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(variables.contains(&"AWS_LAMBDA_RUNTIME_API") && variables.contains(&"AUTH"));
    assert!(!variables.contains(&"PATH") && !variables.contains(&"HOME"), "{variables:?}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn bodies_are_bounded() {
    let stack = stack(|_| {}).await;
    let response = fetch(&stack.gateway_url(), Request::post("/v1/chat"), &vec![b'x'; 10 * 1024 * 1024 + 1]).await;
    assert_eq!(response.status(), 413);
    assert_eq!(json(&response)["code"], "too_large");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn invoke_answers_like_lambda() {
    let stack = stack(|_| {}).await;
    let event = |action: &str| {
        serde_json::json!({"httpMethod": "GET", "path": "/x", "requestContext": {"httpMethod": "GET"},
            "headers": {"x-do": action}})
        .to_string()
    };
    let path = "/2015-03-31/functions/orchestrate/invocations";
    let response = fetch(&stack.invoke_url(), Request::post(path), event("").as_bytes()).await;
    assert_eq!((response.status().as_u16(), &json(&response)["statusCode"]), (200, &201.into()));
    assert!(!response.headers().contains_key("x-amz-function-error"));

    let response = fetch(&stack.invoke_url(), Request::post(path), event("fail").as_bytes()).await;
    assert_eq!(response.headers()["x-amz-function-error"], "Unhandled");
    assert_eq!(json(&response)["errorMessage"], "as asked");

    let missing = Request::post("/2015-03-31/functions/nobody/invocations");
    let response = fetch(&stack.invoke_url(), missing, b"{}").await;
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["x-amzn-errortype"], "ResourceNotFoundException");

    let response = fetch(&stack.invoke_url(), Request::post(path), b"no json").await;
    assert_eq!(response.headers()["x-amzn-errortype"], "InvalidRequestContentException");
    let asynchronous = Request::post(path).header("x-amz-invocation-type", "Event");
    assert_eq!(fetch(&stack.invoke_url(), asynchronous, b"{}").await.status(), 400);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_stream_arrives_as_it_is_sent() {
    let stack = stack(stream).await;
    let mut client = Client::connect(&stack.gateway_url()).await;
    let mut response = client.send(Request::get("/").header("x-do", "pause"), b"").await;
    assert_eq!(response.headers()["content-type"], "text/plain");
    let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "first ");
    // Only now may the function go on.
    fetch(&stack.gateway_url(), Request::get("/release"), b"").await;
    assert!(text(response).await.1.contains("\"method\":\"GET\""));
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn clients_that_leave_cost_the_function_nothing() {
    let stack = stack(|echo| {
        stream(echo);
        echo.concurrency = 2;
    })
    .await;
    let before = stack.function("orchestrate").unwrap().process_id();
    for _ in 0..3 {
        let mut client = Client::connect(&stack.gateway_url()).await;
        let mut response = client.send(Request::get("/").header("x-do", "pause"), b"").await;
        response.body_mut().frame().await.unwrap().unwrap();
        drop((response, client));
        fetch(&stack.gateway_url(), Request::get("/release"), b"").await;
    }
    // Both workers are still there: one of them waits for a release that only the other can bring.
    let mut client = Client::connect(&stack.gateway_url()).await;
    let mut response = client.send(Request::get("/").header("x-do", "pause"), b"").await;
    response.body_mut().frame().await.unwrap().unwrap();
    fetch(&stack.gateway_url(), Request::get("/release"), b"").await;
    assert_eq!(text(response).await.0, 200);
    assert_eq!(stack.function("orchestrate").unwrap().process_id(), before);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_function_that_dies_is_an_answer_and_comes_back() {
    let stack = stack(|_| {}).await;
    let response = fetch(&stack.gateway_url(), Request::get("/").header("x-do", "exit"), b"").await;
    assert_eq!((response.status().as_u16(), &json(&response)["code"]), (503, &"dependency_unavailable".into()));
    assert_eq!(response.headers()["retry-after"], "1");
    // Waits in the queue for the next process.
    assert_eq!(fetch(&stack.gateway_url(), Request::get("/"), b"").await.status(), 201);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_breaks_off_does_not_look_complete() {
    let stack = stack(stream).await;
    let mut client = Client::connect(&stack.gateway_url()).await;
    let mut response = client.send(Request::get("/").header("x-do", "pause"), b"").await;
    response.body_mut().frame().await.unwrap().unwrap();
    stack.function("orchestrate").unwrap().kill();
    assert!(response.into_body().collect().await.is_err());
    // A request may still meet the dying process and be told so; one that comes back is served.
    let served = async { while fetch(&stack.gateway_url(), Request::get("/"), b"").await.status() != 200 {} };
    tokio::time::timeout(Duration::from_secs(30), served).await.unwrap();
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_function_that_hangs_is_given_up_at_its_timeout() {
    let stack = stack(|echo| echo.timeout = Duration::from_millis(300)).await;
    let response = fetch(&stack.gateway_url(), Request::get("/").header("x-do", "hang"), b"").await;
    assert_eq!((response.status().as_u16(), &json(&response)["code"]), (504, &"deadline_exceeded".into()));
    assert_eq!(stack.function("orchestrate").unwrap().invocations().depth(), (0, 0));
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_stopped_function_starts_again() {
    let stack = stack(|_| {}).await;
    let function = stack.function("orchestrate").unwrap();
    let before = function.process_id();
    function.stop().await;
    assert_eq!(function.process_id(), None);
    function.start();
    assert_eq!(fetch(&stack.gateway_url(), Request::get("/"), b"").await.status(), 201);
    assert_ne!(function.process_id(), before);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn one_line_says_why_a_function_does_not_start() {
    let mut config = StackConfig::new(binaries().unwrap());
    config.dynamo = None;
    config.functions = [("search".to_owned(), FunctionChoice::new("/bin/false".into(), "search"))].into();
    let refusal = Stack::start(config.clone()).await.unwrap_err().to_string();
    assert!(refusal.starts_with("search did not start"), "{refusal}");
    config.functions = [("search".to_owned(), FunctionChoice::new("/nowhere/search".into(), "search"))].into();
    let refusal = Stack::start(config).await.unwrap_err().to_string();
    assert_eq!(refusal, "there is no /nowhere/search: run `make build`");
}

#[tokio::test]
async fn fifty_at_once_are_fifty_answers() {
    let stack = stack(|echo| echo.concurrency = 16).await;
    let url = stack.gateway_url();
    let mut requests: tokio::task::JoinSet<http::Response<Bytes>> = (0..50)
        .map(|_| {
            let url = url.clone();
            async move { fetch(&url, Request::get("/"), b"").await }
        })
        .collect();
    while let Some(response) = requests.join_next().await {
        assert_eq!(response.unwrap().status(), 201);
    }
    assert_eq!(stack.function("orchestrate").unwrap().invocations().depth(), (0, 0));
    stack.stop().await.unwrap();
}
