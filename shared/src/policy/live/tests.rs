//! New policies while requests are in flight, bad ones, and AppConfig over a real connection.
#![expect(clippy::disallowed_types, reason = "the tests own their tasks")]

use std::{path::PathBuf, sync::Arc};

use http::StatusCode;
use lambda_http::{Body, Request, RequestExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::*;
use crate::{
    clock,
    deadline::Deadline,
    principal::Auth,
    problem::Problem,
    serve::{Call, Function, Reply, Route, Server},
};

const GATE_OF_20: &str = "vcpu: 1\nfunctions: { search: { gate: { in_flight_per_vcpu: 20 } } }\n";
const GATE_OF_3: &str = "vcpu: 1\nfunctions: { search: { gate: { in_flight_per_vcpu: 3 } } }\n";

/// A policy file of its own, gone with the test.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        let file = Self(std::env::temp_dir().join(format!("navigator-live-{}.yaml", uuid::Uuid::new_v4())));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    /// A process that began with this file.
    async fn live(&self) -> (Core, Live) {
        let file = PolicyFile::read(&self.0).unwrap();
        let core = Core::new(Sources::shipped().with(file).policy().unwrap());
        let mut live = Live::new(&core, Sources::shipped());
        live.add(Origin::File(self.0.clone()));
        live.watched[0].begin().await;
        (core, live)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Answers when it is let.
struct Slow {
    let_go: Arc<Semaphore>,
    entered: watch::Sender<usize>,
}

impl Function for Slow {
    const NAME: &'static str = "search";
    const ROUTES: &'static [Route] = &[Route::get("/slow")];

    async fn handle(&self, _call: Call) -> Result<Reply, Problem> {
        self.entered.send_modify(|count| *count += 1);
        drop(self.let_go.acquire().await);
        Ok(Reply::empty(StatusCode::OK))
    }

    async fn missing(&self, _deadline: Deadline) -> Vec<String> {
        Vec::new()
    }
}

fn request() -> Request {
    let request = http::Request::builder().uri("/slow").body(Body::Empty).unwrap();
    request.with_raw_http_path("/slow")
}

#[tokio::test(start_paused = true)]
async fn a_new_policy_is_adopted_while_requests_are_in_flight_and_none_fails() {
    let file = File::new(GATE_OF_20);
    let (core, mut live) = file.live().await;
    let (let_go, (entered, mut count)) = (Arc::new(Semaphore::new(0)), watch::channel(0));
    let slow = Slow { let_go: let_go.clone(), entered };
    let server = Server::new(slow, core.clone(), Auth::None, None);
    let mut requests = JoinSet::new();
    for _ in 0..10 {
        requests.spawn(server.clone().answer(request()));
    }
    count.wait_for(|entered| *entered == 10).await.unwrap();
    file.write(GATE_OF_3);
    live.look(0).await;
    assert_eq!(core.policy().gate("search").in_flight, 3);
    assert_eq!(core.gate("search").status().in_use, 10, "nobody loses a permit");
    let_go.add_permits(10);
    let statuses: Vec<_> = requests.join_all().await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [StatusCode::OK; 10]);
    assert_eq!(core.gate("search").status().limit, 3);
    assert_eq!(server.answer(request()).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn it_follows_the_file_by_itself() {
    let file = File::new(GATE_OF_20);
    let (core, live) = file.live().await;
    let mut following = JoinSet::new();
    following.spawn(live.follow());
    file.write("service: { total: 4s }");
    let written = clock::now();
    while core.policy().service.total != Duration::from_secs(4) {
        sleep(FILE_PERIOD / 20).await;
    }
    assert!(written.elapsed() < Duration::from_secs(5), "{:?}", written.elapsed());
    assert_eq!(core.policy_status().refused, None);
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_is_refused_once_and_the_policy_stays() {
    let file = File::new(GATE_OF_20);
    let (core, mut live) = file.live().await;
    file.write("service: { total: soon }\norchestrate: { waves: 0 }\n");
    live.look(0).await;
    let refused = core.policy_status().refused.unwrap();
    for place in [":1:19: service.total", ":2:23: orchestrate.waves"] {
        assert!(refused.why.contains(&format!("{}{place}", file.0.display())), "{}", refused.why);
    }
    assert_eq!(core.policy().gate("search").in_flight, 20);
    core.refuse("the same again would overwrite this");
    live.look(0).await;
    assert_eq!(core.policy_status().refused.unwrap().why, "the same again would overwrite this");
    file.write(GATE_OF_3);
    live.look(0).await;
    assert_eq!(core.policy().gate("search").in_flight, 3);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_vanishes_changes_nothing_and_may_come_back() {
    let file = File::new(GATE_OF_20);
    let (core, mut live) = file.live().await;
    let begun = core.policy_status().adopted_ms;
    std::fs::remove_file(&file.0).unwrap();
    live.look(0).await;
    assert!(core.policy_status().refused.unwrap().why.contains("cannot be read"));
    file.write(GATE_OF_20);
    live.look(0).await;
    assert_eq!(core.policy().gate("search").in_flight, 20);
    assert_eq!(core.policy_status().adopted_ms, begun, "nothing new came");
}

/// An extension that answers every request with the text of `reply`, or 500 when there is none.
async fn extension(reply: watch::Receiver<Option<&'static str>>) -> (u16, watch::Receiver<String>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, seen) = watch::channel(String::new());
    let mut server = JoinSet::new();
    server.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            asked.send_replace(String::from_utf8(head).unwrap().lines().next().unwrap().to_owned());
            let (status, body) = reply.borrow().map_or(("500 Broken", ""), |text| ("200 OK", text));
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, seen, server)
}

// On the real clock: a paused one would run ahead of the connection. Nothing here waits for time.
#[cfg(feature = "http")]
#[tokio::test]
async fn app_config_is_asked_at_its_documented_path_and_its_policies_are_adopted_or_refused() {
    let (reply, replies) = watch::channel(Some(GATE_OF_20));
    let (port, asked, _server) = extension(replies).await;
    let core = Core::embedded().unwrap();
    let mut live = Live::new(&core, Sources::shipped());
    live.add(Origin::AppConfig(appconfig::AppConfig::new("nav/prod/policy v1", port, &core).unwrap()));
    live.look(0).await;
    assert_eq!(*asked.borrow(), "GET /applications/nav/environments/prod/configurations/policy%20v1 HTTP/1.1");
    assert_eq!(core.policy().gate("search").in_flight, 20);
    reply.send_replace(Some("service: { totl: 3s }"));
    live.look(0).await;
    let refused = core.policy_status().refused.unwrap().why;
    assert!(refused.contains("appconfig nav/prod/policy v1:1:12: service.totl"), "{refused}");
    reply.send_replace(None);
    live.look(0).await;
    assert!(core.policy_status().refused.unwrap().why.contains("did not bring it"));
    assert_eq!(core.policy().gate("search").in_flight, 20);
}

#[cfg(feature = "http")]
#[test]
fn a_configuration_that_is_none_is_refused_by_the_name_of_its_variable() {
    let core = Core::embedded().unwrap();
    for configuration in ["policy", "a/b", "a/b/c/d", "a//c"] {
        let refused = appconfig::AppConfig::new(configuration, 2772, &core).unwrap_err();
        assert!(refused.starts_with("NAVIGATOR_APPCONFIG:"), "{refused}");
    }
}
