//! A plain HTTP client: one connection, one request at a time.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

impl Client {
    /// Connects to `http://host:port`.
    pub(crate) async fn connect(url: &str) -> Self {
        let socket = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(socket)).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async { drop(connection.await) });
        Self { sender, _driver: driver }
    }

    pub(crate) async fn send(&mut self, request: http::request::Builder, body: &[u8]) -> Response<Incoming> {
        self.sender.ready().await.unwrap();
        let request = request.header("host", "test").body(Full::from(body.to_vec())).unwrap();
        self.sender.send_request(request).await.unwrap()
    }

    /// Status and whole body of a GET.
    pub(crate) async fn get(&mut self, path: &str) -> (u16, String) {
        text(self.send(Request::get(path), b"").await).await
    }
}

/// One request on a connection of its own.
pub(crate) async fn fetch(url: &str, request: http::request::Builder, body: &[u8]) -> Response<Bytes> {
    let mut client = Client::connect(url).await;
    let (parts, body) = client.send(request, body).await.into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

pub(crate) async fn text(response: Response<Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

pub(crate) fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}
