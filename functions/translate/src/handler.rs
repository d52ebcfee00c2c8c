//! HTTP ↔ domain: `POST /v1/translate` and `POST /v1/detect`.

use serde_json::json;
use shared::{
    contract::translate::{DetectReply, DetectRequest, TranslateReply, TranslateRequest},
    deadline::Deadline,
    problem::Problem,
    serve::{Call, Function, Reply, Route},
};

use crate::{desk::Desk, error::RequestError, language::Language};

const TRANSLATE: Route = Route::post("/v1/translate");
const DETECT: Route = Route::post("/v1/detect");

/// Most texts in one request.
const MAX_TEXTS: usize = 100;
/// Most characters in one text.
const MAX_CHARS: usize = 8_000;
/// The source that means "find out".
const AUTO: &str = "auto";

/// The function.
#[derive(Debug)]
pub struct Translate {
    desk: Desk,
}

impl Translate {
    /// The function with its parts.
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        Self { desk }
    }

    async fn translate(&self, request: TranslateRequest, deadline: Deadline) -> Result<TranslateReply, RequestError> {
        let target = Language::parse(&request.target).ok_or(RequestError::UnknownLanguage("target"))?;
        let source = source(request.source.as_deref())?;
        let texts = texts(request)?;
        let translations = self.desk.translate(&texts, source, target, deadline).await;
        Ok(TranslateReply { translations, target: target.code().to_owned() })
    }

    fn detect(&self, request: &DetectRequest) -> Result<DetectReply, RequestError> {
        bounded("text", &request.text)?;
        if request.text.trim().is_empty() {
            return Err(RequestError::Empty);
        }
        Ok(self.desk.detector().detect(&request.text).into())
    }
}

impl Function for Translate {
    const NAME: &'static str = "translate";
    const ROUTES: &'static [Route] = &[TRANSLATE, DETECT];

    async fn handle(&self, call: Call) -> Result<Reply, Problem> {
        if call.route == DETECT.pattern {
            return Reply::ok(&self.detect(&call.json()?)?);
        }
        Reply::ok(&self.translate(call.json()?, call.deadline).await?)
    }

    async fn missing(&self, deadline: Deadline) -> Vec<String> {
        let router = self.desk.router();
        let mut missing = router.unreachable(deadline).await;
        missing.extend((!router.is_configured()).then(|| "translation_provider".to_owned()));
        missing
    }

    fn status(&self) -> serde_json::Value {
        json!({ "cached": self.desk.router().cached() })
    }

    async fn warm_up(&self) {
        shared::phi::warm_up();
        self.desk.detector().warm_up();
    }
}

fn source(tag: Option<&str>) -> Result<Option<Language>, RequestError> {
    match tag {
        None | Some(AUTO) => Ok(None),
        Some(tag) => Language::parse(tag).map(Some).ok_or(RequestError::UnknownLanguage("source")),
    }
}

fn texts(request: TranslateRequest) -> Result<Vec<String>, RequestError> {
    match (request.text, request.texts) {
        (Some(text), None) if text.trim().is_empty() => Err(RequestError::Empty),
        (Some(text), None) => bounded("text", &text).map(|()| vec![text]),
        (None, Some(texts)) if texts.is_empty() || texts.len() > MAX_TEXTS => Err(RequestError::TextCount(MAX_TEXTS)),
        (None, Some(texts)) => texts.iter().try_for_each(|text| bounded("texts", text)).map(|()| texts),
        _ => Err(RequestError::TextOrTexts),
    }
}

fn bounded(field: &'static str, text: &str) -> Result<(), RequestError> {
    let fits = text.chars().nth(MAX_CHARS).is_none();
    if fits { Ok(()) } else { Err(RequestError::TooLong { field, limit: MAX_CHARS }) }
}
