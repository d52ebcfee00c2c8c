//! A service of a third party on loopback that answers as a test wants it, well or not.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, Uri},
};
use futures_util::stream;
use retrieve::service::Settings;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

/// What the server answers.
#[derive(Clone)]
pub enum Answer {
    /// What this makes of the question.
    Made(fn(&Value) -> Value),
    /// This, whatever was asked.
    Text(String),
    /// A status.
    Status(u16),
    /// Nothing, ever.
    Never,
    /// Half an answer, and the connection is cut.
    Cut,
}

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub authorization: Option<String>,
    pub body: Value,
}

/// A running server.
pub struct Server {
    url: String,
    desk: Arc<Desk>,
    _tasks: JoinSet<()>,
}

struct Desk {
    answer: Mutex<Answer>,
    asked: Mutex<Vec<Asked>>,
}

impl Server {
    pub async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let desk = Arc::new(Desk { answer: Mutex::new(answer), asked: Mutex::default() });
        let app = Router::new().fallback(serve).with_state(Arc::clone(&desk));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, desk, _tasks: tasks }
    }

    pub fn settings(&self) -> Settings {
        Settings { url: self.url.clone(), key: Some("key".to_owned().into()), model: "test-model".to_owned() }
    }

    pub fn answers(&self, answer: Answer) {
        *self.desk.answer.lock().unwrap() = answer;
    }

    /// What was asked since the last look.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.desk.asked.lock().unwrap())
    }
}

async fn serve(State(desk): State<Arc<Desk>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let answer = desk.answer.lock().unwrap().clone();
    desk.asked.lock().unwrap().push(Asked { path: uri.path().to_owned(), authorization, body: body.clone() });
    match answer {
        Answer::Made(make) => Response::new(make(&body).to_string().into()),
        Answer::Text(text) => Response::new(text.into()),
        Answer::Status(status) => Response::builder().status(status).body(Body::empty()).unwrap(),
        Answer::Never => std::future::pending().await,
        Answer::Cut => {
            let pieces = [Ok("{\"results\": ["), Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))];
            Response::new(Body::from_stream(stream::iter(pieces)))
        }
    }
}
