//! The control table itself away: stopped, stalled for ever, throttling. No request waits for it longer than its
//! allowance, and the breaker's word is heard again when it is back.

use std::{sync::Arc, time::Duration};

use aws_config::SdkConfig;
use local::dynamo::{CONTROL, Dynamo};
use shared::{
    clock::{self, Wall},
    control::{Store, Table},
    core::Core,
    deadline::Deadline,
    dependency::{Dependency, Effect, Fleet, Verdict},
    identity::Identity,
    policy::Policy,
};
use tests::{fleet::Ends, parts};
use tokio::{io::AsyncWriteExt, net::TcpListener, task::JoinSet};

use crate::contract::sdk;

const SECOND: Duration = Duration::from_secs(1);

async fn process(endpoint: &str) -> (Core, Dependency) {
    let policy = Policy::embedded().unwrap();
    let sdk: SdkConfig = sdk(endpoint).await;
    let table = Arc::new(Table::new(CONTROL, &sdk, &policy)) as Arc<dyn Store>;
    let fleet = Fleet { store: Some(table), wall: Wall::System, identity: Identity::random() };
    let core = Core::of(policy, fleet, sdk);
    let door = core.dependency("tavily");
    (core, door)
}

/// One call; how long the door took beyond the call's own work.
async fn overhead(door: &Dependency, outcome: Result<(), Verdict>) -> Duration {
    let started = clock::now();
    let attempt = |_| async move { outcome.map_err(Ends) };
    let _ = door.call(Deadline::within(3 * SECOND), Effect::Once, attempt).await;
    started.elapsed()
}

/// A server that takes connections, and answers each with `reply`, or never.
async fn server(reply: Option<&'static str>, tasks: &mut JoinSet<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tasks.spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if let Some(reply) = reply {
                let _ = stream.write_all(reply.as_bytes()).await;
            }
            held.push(stream);
        }
    });
    url
}

const THROTTLED: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 108\r\n\r\n\
                         {\"__type\":\"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException\",\"message\":\"slow down\"}   ";

/// Whatever the store does, calls go on: a hundred good ones and some failures, none held up by more than its
/// allowance (with room for a busy machine), and most of them not at all.
async fn calls_go_on(endpoint: &str) {
    let (_core, door) = process(endpoint).await;
    let mut slowest = Duration::ZERO;
    let mut held_up = 0;
    for number in 0..100 {
        let outcome = if number % 10 == 9 { Err(Verdict::Fault) } else { Ok(()) };
        let took = overhead(&door, outcome).await;
        slowest = slowest.max(took);
        held_up += usize::from(took > Duration::from_millis(20));
    }
    eprintln!("{endpoint}: slowest {slowest:?}, {held_up} of 100 held up");
    assert!(held_up <= 5, "{held_up}");
    let status = door.status();
    assert_eq!(status.ok + status.fault, 100, "{status:?}");
}

#[tokio::test]
async fn a_stopped_table_holds_nobody_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    calls_go_on(&url).await;
}

#[tokio::test]
async fn a_stalled_table_holds_nobody_up() {
    let mut tasks = JoinSet::new();
    calls_go_on(&server(None, &mut tasks).await).await;
}

#[tokio::test]
async fn a_throttling_table_holds_nobody_up() {
    let mut tasks = JoinSet::new();
    calls_go_on(&server(Some(THROTTLED), &mut tasks).await).await;
}

#[tokio::test]
async fn what_was_decided_alone_ends_when_the_table_is_back() {
    parts::used("dynamodb");
    let dynamo = Dynamo::start(local::dynamo::DynamoConfig::default()).await.unwrap();
    let (core, door) = process(&dynamo.url()).await;
    overhead(&door, Ok(())).await;
    dynamo.stop().await;
    for _ in 0..5 {
        overhead(&door, Err(Verdict::Fault)).await;
    }
    assert!(door.status().breaker.alone, "{:?}", door.status().breaker);
    dynamo.resume().await.unwrap();
    // The view wants to be renewed, and the table's own breaker lets somebody look after a second or more.
    let patience = Deadline::within(60 * SECOND);
    while door.status().breaker.alone && !patience.expired() {
        overhead(&door, Ok(())).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!door.status().breaker.alone, "{:?}", core.status());
}
