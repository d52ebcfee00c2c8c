//! `POST /chat/completions`, buffered and streamed (OpenAI API reference, "Chat").

use futures_util::{
    StreamExt,
    stream::{BoxStream, try_unfold},
};
use reqwest::Method;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Message;
use crate::{
    contract::chat::Usage,
    core::Core,
    deadline::Deadline,
    dependency::{CallError, Effect},
    http::{Ask, BadAddress, HttpFault, Partner, Payload},
};

const DEFAULT_URL: &str = "https://api.openai.com/v1";
/// A line of a stream is one token with its envelope; more than this is not a chat model.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// A chat model, configured by `OPENAI_API_KEY`, `OPENAI_URL` and `OPENAI_MODEL`.
#[derive(Clone, Debug)]
pub struct ChatModel {
    partner: Partner,
    authorization: SecretString,
    model: String,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// What the model counted.
    pub usage: Option<Usage>,
}

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelPiece {
    /// Some text.
    Text(String),
    /// The end, as the model itself declares it.
    End,
}

#[derive(Serialize)]
struct CompletionRequest<'a> {
    model: &'a str,
    messages: &'a [Message],
    temperature: f32,
    max_completion_tokens: u32,
    stream: bool,
}

#[derive(Deserialize)]
struct CompletionReply {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Option<Content>,
    delta: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

impl ChatModel {
    /// The configured model; none without `OPENAI_API_KEY` or `OPENAI_URL`, and `OPENAI_MODEL`.
    pub fn from_env(core: &Core) -> Result<Option<Self>, BadAddress> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (key, url, model) = (variable("OPENAI_API_KEY"), variable("OPENAI_URL"), variable("OPENAI_MODEL"));
        if key.is_none() && url.is_none() {
            return Ok(None);
        }
        let Some(model) = model else { return Ok(None) };
        let partner = Partner::new("openai", "OPENAI_URL", url.as_deref().unwrap_or(DEFAULT_URL), core)?;
        let authorization = format!("Bearer {}", key.unwrap_or_default()).into();
        Ok(Some(Self { partner, authorization, model }))
    }

    /// The whole answer to `messages`, of at most `max_tokens` tokens.
    pub async fn complete(
        &self,
        deadline: Deadline,
        messages: &[Message],
        max_tokens: u32,
    ) -> Result<Completion, CallError<HttpFault>> {
        let request = self.request(messages, max_tokens, false);
        let reply: CompletionReply = self.partner.json(deadline, &self.ask(&request)).await?;
        let text = reply.choices.into_iter().next().and_then(|choice| choice.message?.content).unwrap_or_default();
        Ok(Completion { text, usage: reply.usage })
    }

    /// The answer piece by piece. The stream ends with [`ModelPiece::End`], a fault, or at `deadline`.
    pub async fn stream(
        &self,
        first_byte: Deadline,
        deadline: Deadline,
        messages: &[Message],
        max_tokens: u32,
    ) -> Result<BoxStream<'static, Result<ModelPiece, HttpFault>>, CallError<HttpFault>> {
        let request = self.request(messages, max_tokens, true);
        let bytes = self.partner.stream(first_byte, &self.ask(&request)).await?;
        let state = (bytes, Vec::new(), deadline);
        let pieces = try_unfold(state, |(mut bytes, mut buffer, deadline)| async move {
            loop {
                if let Some(line) = take_line(&mut buffer) {
                    match piece(&line)? {
                        Some(ModelPiece::End) => return Ok(None),
                        Some(piece) => return Ok(Some((piece, (bytes, buffer, deadline)))),
                        None => continue,
                    }
                }
                match deadline.bound("the model's stream", bytes.next()).await {
                    Ok(Some(Ok(more))) if buffer.len() + more.len() <= MAX_LINE_BYTES => {
                        buffer.extend_from_slice(&more);
                    }
                    Ok(Some(Err(fault))) => return Err(fault),
                    Ok(Some(Ok(_))) => return Err(HttpFault::Body),
                    // A stream that ends without saying so was cut.
                    Ok(None) | Err(_) => return Err(HttpFault::Transport),
                }
            }
        });
        Ok(pieces.boxed())
    }

    fn request<'a>(&'a self, messages: &'a [Message], max_tokens: u32, stream: bool) -> CompletionRequest<'a> {
        CompletionRequest { model: &self.model, messages, temperature: 0.0, max_completion_tokens: max_tokens, stream }
    }

    fn ask<'a, 'b: 'a>(&'b self, request: &'a CompletionRequest<'b>) -> Ask<'a, CompletionRequest<'b>> {
        Ask {
            method: Method::POST,
            path: "chat/completions",
            headers: vec![("authorization", &self.authorization)],
            body: Payload::Json(request),
            effect: Effect::Idempotent,
        }
    }
}

fn take_line(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = buffer.iter().position(|byte| *byte == b'\n')?;
    Some(buffer.drain(..=end).collect())
}

/// One line of a server-sent event stream; comments and empty lines are no piece.
fn piece(line: &[u8]) -> Result<Option<ModelPiece>, HttpFault> {
    let line = std::str::from_utf8(line).map_err(|_| HttpFault::Body)?.trim();
    let Some(data) = line.strip_prefix("data:").map(str::trim) else { return Ok(None) };
    if data == "[DONE]" {
        return Ok(Some(ModelPiece::End));
    }
    let reply: CompletionReply = serde_json::from_str(data).map_err(|_| HttpFault::Body)?;
    let text = reply.choices.into_iter().next().and_then(|choice| choice.delta?.content);
    Ok(text.filter(|text| !text.is_empty()).map(ModelPiece::Text))
}
