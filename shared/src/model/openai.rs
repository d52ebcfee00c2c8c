//! `POST /chat/completions`, buffered and streamed (OpenAI API reference, "Chat").

use bytes::Bytes;
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
    dependency::{CallError, Effect, Pieces},
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
    /// What the model counted; behind the last text.
    Usage(Usage),
}

/// One line of a stream.
enum Line {
    Piece(ModelPiece),
    /// The end, as the model itself declares it.
    End,
    /// A comment, or an envelope without a word.
    Nothing,
}

#[derive(Serialize)]
struct CompletionRequest<'a> {
    model: &'a str,
    messages: &'a [Message],
    temperature: f32,
    max_completion_tokens: u32,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Deserialize)]
struct CompletionReply {
    #[serde(default)]
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
        let (request, estimate) = (self.request(messages, max_tokens, false), estimate(messages, max_tokens));
        let reply: CompletionReply = self.partner.json_weighing(deadline, &self.ask(&request), estimate).await?;
        if let Some(usage) = reply.usage {
            self.partner.weighed(estimate, tokens(usage), deadline).await;
        }
        let text = reply.choices.into_iter().next().and_then(|choice| choice.message?.content).unwrap_or_default();
        Ok(Completion { text, usage: reply.usage })
    }

    /// The answer piece by piece, until `deadline`; the first piece before `first_byte`. It is in flight, and counts for
    /// the model's breaker, until the model itself declares the end.
    pub async fn stream(
        &self,
        first_byte: Deadline,
        deadline: Deadline,
        messages: &[Message],
        max_tokens: u32,
    ) -> Result<Pieces<ModelPiece, HttpFault>, CallError<HttpFault>> {
        let (request, estimate) = (self.request(messages, max_tokens, true), estimate(messages, max_tokens));
        let pieces = self.partner.stream((first_byte, deadline), &self.ask(&request), estimate, pieces).await?;
        let partner = self.partner.clone();
        let weighed = pieces.then(move |piece| {
            let partner = partner.clone();
            async move {
                if let Ok(ModelPiece::Usage(usage)) = &piece {
                    partner.weighed(estimate, tokens(*usage), deadline).await;
                }
                piece
            }
        });
        Ok(weighed.boxed())
    }

    fn request<'a>(&'a self, messages: &'a [Message], max_tokens: u32, stream: bool) -> CompletionRequest<'a> {
        CompletionRequest {
            model: &self.model,
            messages,
            temperature: 0.0,
            max_completion_tokens: max_tokens,
            stream,
            stream_options: stream.then_some(StreamOptions { include_usage: true }),
        }
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

/// What a request may take: about four characters are a token (OpenAI, "What are tokens and how to count them?"), and
/// the answer may be as long as it may be.
fn estimate(messages: &[Message], max_tokens: u32) -> u32 {
    let characters: usize = messages.iter().map(|message| message.content.as_str().chars().count()).sum();
    u32::try_from(characters / 4).unwrap_or(u32::MAX).saturating_add(max_tokens)
}

fn tokens(usage: Usage) -> u32 {
    u32::try_from(usage.total_tokens).unwrap_or(u32::MAX)
}

/// The pieces of a server-sent event stream. One that ends without saying so was cut.
fn pieces(bytes: BoxStream<'static, Result<Bytes, HttpFault>>) -> BoxStream<'static, Result<ModelPiece, HttpFault>> {
    let pieces = try_unfold((bytes, Vec::new()), |(mut bytes, mut buffer)| async move {
        loop {
            while let Some(read) = take_line(&mut buffer) {
                match line(&read)? {
                    Line::End => return Ok(None),
                    Line::Piece(piece) => return Ok(Some((piece, (bytes, buffer)))),
                    Line::Nothing => {}
                }
            }
            let more = bytes.next().await.unwrap_or(Err(HttpFault::Transport))?;
            if buffer.len() + more.len() > MAX_LINE_BYTES {
                return Err(HttpFault::Body);
            }
            buffer.extend_from_slice(&more);
        }
    });
    pieces.boxed()
}

fn take_line(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = buffer.iter().position(|byte| *byte == b'\n')?;
    Some(buffer.drain(..=end).collect())
}

fn line(line: &[u8]) -> Result<Line, HttpFault> {
    let line = std::str::from_utf8(line).map_err(|_| HttpFault::Body)?.trim();
    let Some(data) = line.strip_prefix("data:").map(str::trim) else { return Ok(Line::Nothing) };
    if data == "[DONE]" {
        return Ok(Line::End);
    }
    let reply: CompletionReply = serde_json::from_str(data).map_err(|_| HttpFault::Body)?;
    // Some count in every chunk; what is behind the last word counts.
    if let Some(usage) = reply.usage.filter(|_| reply.choices.is_empty()) {
        return Ok(Line::Piece(ModelPiece::Usage(usage)));
    }
    let text = reply.choices.into_iter().next().and_then(|choice| choice.delta?.content);
    Ok(text.filter(|text| !text.is_empty()).map_or(Line::Nothing, |text| Line::Piece(ModelPiece::Text(text))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phi::Masked;

    async fn read(stream: &'static str) -> Vec<Result<ModelPiece, HttpFault>> {
        let bytes = stream.as_bytes().chunks(7).map(|piece| Ok(Bytes::from_static(piece)));
        pieces(futures_util::stream::iter(bytes.collect::<Vec<_>>()).boxed()).collect().await
    }

    fn text(text: &str) -> Result<ModelPiece, HttpFault> {
        Ok(ModelPiece::Text(text.to_owned()))
    }

    #[tokio::test]
    async fn pieces_are_the_words_and_what_they_cost() {
        let stream = ": ping\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\n\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"You pay\"}}]}\n\ndata: {\"choices\":[{\"delta\":{}}]}\n\n\
            data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\ndata: [DONE]\n\n";
        let usage = Usage { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
        assert_eq!(read(stream).await, [text("You pay"), Ok(ModelPiece::Usage(usage))]);
    }

    #[tokio::test]
    async fn an_end_that_was_not_declared_is_a_cut() {
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"You\"}}]}\n\n";
        assert_eq!(read(stream).await, [text("You"), Err(HttpFault::Transport)]);
        assert_eq!(read("data: {\n").await, [Err(HttpFault::Body)]);
        assert_eq!(read("").await, [Err(HttpFault::Transport)]);
    }

    #[test]
    fn an_estimate_is_never_too_large_to_count() {
        let messages = [Message { role: super::super::Role::User, content: Masked::of(&"a ".repeat(200)) }];
        assert_eq!(estimate(&messages, 500), 600);
        assert_eq!(estimate(&messages, u32::MAX), u32::MAX);
        assert_eq!(tokens(Usage { total_tokens: u64::MAX, ..Usage::default() }), u32::MAX);
    }
}
