//! A local partner that speaks APy, OpenAI or Amazon Translate, and misbehaves when a text asks for it.

#![expect(clippy::disallowed_types, reason = "a test owns its server")]

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_smithy_cbor::{Decoder, Encoder, data::Type};
use axum::{
    Form, Json, Router as Routes,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::policy::Policy;
use tokio::{net::TcpListener, task::JoinSet};

/// A running partner; stops when it is dropped.
pub struct Partner {
    pub url: String,
    pub seen: Arc<Seen>,
    _server: JoinSet<()>,
}

/// What reached the partner.
#[derive(Default)]
pub struct Seen {
    texts: Mutex<Vec<String>>,
    at_once: AtomicUsize,
    pub most_at_once: AtomicUsize,
}

#[derive(Deserialize)]
struct ApyForm {
    langpair: String,
    q: String,
    format: String,
    #[serde(rename = "markUnknown")]
    mark_unknown: String,
}

impl Partner {
    /// Starts on a free port of the loopback address.
    pub async fn start() -> Self {
        let seen = Arc::new(Seen::default());
        let routes = Routes::new()
            .route("/listPairs", get(list_pairs))
            .route("/translate", post(apy))
            .route("/v1/chat/completions", post(chat))
            .route("/service/AWSShineFrontendService_20170701/operation/TranslateText", post(amazon))
            .with_state(seen.clone());
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, seen, _server: server }
    }
}

impl Seen {
    /// All texts that were to be translated.
    pub fn texts(&self) -> Vec<String> {
        self.texts.lock().unwrap().clone()
    }

    /// Translates by writing in capitals. Some words in the text make it fail.
    async fn render(&self, text: &str) -> Result<String, StatusCode> {
        self.texts.lock().unwrap().push(text.to_owned());
        self.most_at_once.fetch_max(self.at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if text.contains("stall") {
            std::future::pending::<()>().await;
        }
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        match text {
            text if text.contains("fail") => Err(StatusCode::INTERNAL_SERVER_ERROR),
            text if text.contains("forget") => Ok("NADA".to_owned()),
            text => Ok(text.to_uppercase()),
        }
    }
}

/// Limits with room for a slow machine; only a stalled provider is cut.
pub fn policy() -> Policy {
    let overlay = "translate: {attempt: 300ms}\ndependencies: {overrides: {apertium: {timeout: 10s}, openai: {timeout: 10s}, \
                   amazon_translate: {timeout: 10s}}}";
    Policy::overlaid(overlay).unwrap()
}

async fn list_pairs() -> Json<Value> {
    let pair = |source, target| json!({ "sourceLanguage": source, "targetLanguage": target });
    Json(
        json!({ "responseData": [pair("eng", "spa"), pair("spa", "eng")], "responseDetails": null, "responseStatus": 200 }),
    )
}

async fn apy(State(seen): State<Arc<Seen>>, Form(form): Form<ApyForm>) -> Response {
    assert_eq!((form.format.as_str(), form.mark_unknown.as_str()), ("txt", "no"));
    assert!(["eng|spa", "spa|eng"].contains(&form.langpair.as_str()));
    match seen.render(&form.q).await {
        Ok(text) => {
            Json(json!({ "responseData": { "translatedText": text }, "responseDetails": null, "responseStatus": 200 }))
                .into_response()
        }
        Err(status) => status.into_response(),
    }
}

async fn chat(State(seen): State<Arc<Seen>>, Json(request): Json<Value>) -> Response {
    assert_eq!(request["temperature"], 0.0);
    let task: Value = serde_json::from_str(request["messages"][1]["content"].as_str().unwrap()).unwrap();
    let mut entries = Vec::new();
    for text in task["texts"].as_array().unwrap() {
        match seen.render(text["s"].as_str().unwrap()).await {
            Ok(translated) => entries.push(json!({ "i": text["i"], "s": translated })),
            Err(status) => return status.into_response(),
        }
    }
    let content = if task.to_string().contains("chatty") {
        "I would rather talk.".to_owned()
    } else {
        json!({ "t": entries }).to_string()
    };
    Json(json!({ "choices": [{ "message": { "role": "assistant", "content": content } }] })).into_response()
}

/// Amazon Translate as its SDK speaks it: Smithy RPC v2 with CBOR.
async fn amazon(State(seen): State<Arc<Seen>>, body: Bytes) -> Response {
    let request = cbor_strings(&body);
    if request["TargetLanguageCode"] == "sw" {
        return (
            StatusCode::BAD_REQUEST,
            cbor(&[("__type", "com.amazonaws.translate#UnsupportedLanguagePairException")]),
        )
            .into_response();
    }
    match seen.render(&request["Text"]).await {
        Ok(text) => {
            let codes = ["SourceLanguageCode", "TargetLanguageCode"].map(|name| (name, request[name].as_str()));
            cbor(&[("TranslatedText", &text), codes[0], codes[1]]).into_response()
        }
        Err(status) => status.into_response(),
    }
}

fn cbor_strings(body: &[u8]) -> HashMap<String, String> {
    let mut decoder = Decoder::new(body);
    let fields = decoder.map().unwrap();
    let mut strings = HashMap::new();
    let more = |decoder: &Decoder<'_>, read: usize| match fields {
        Some(count) => read < usize::try_from(count).unwrap(),
        None => decoder.datatype().unwrap() != Type::Break,
    };
    while more(&decoder, strings.len()) {
        let name = decoder.string().unwrap();
        strings.insert(name, decoder.string().unwrap());
    }
    strings
}

fn cbor(fields: &[(&str, &str)]) -> impl IntoResponse {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(fields.len());
    for (name, value) in fields {
        encoder.str(name).str(value);
    }
    ([("content-type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")], encoder.into_writer())
}
