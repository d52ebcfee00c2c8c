//! A chat request whose fields have been checked.

use shared::{contract::chat::ChatRequest, problem::Problem};
use uuid::Uuid;

/// Longest message in characters (design: message and query ≤ 8,000).
const MAX_MESSAGE: usize = 8_000;
const MAX_ID: usize = 128;
const DEFAULT_COLLECTION: &str = "default";

/// A question that may be worked on.
#[derive(Clone, Debug)]
pub struct Question {
    /// What was asked, as it was typed.
    pub message: String,
    /// Given, or new.
    pub conversation_id: String,
    /// The language that the client says it is in.
    pub language: Option<String>,
    /// The collection to answer from.
    pub collection: String,
    /// Whether to answer as server-sent events.
    pub stream: bool,
}

impl Question {
    /// Checks every field; the problem names the one at fault.
    ///
    /// # Errors
    /// `invalid_request` or `too_large`.
    pub fn check(request: ChatRequest) -> Result<Self, Problem> {
        check_message(&request.message)?;
        let conversation_id = request.conversation_id.unwrap_or_else(|| Uuid::new_v4().to_string());
        check_name("conversation_id", &conversation_id)?;
        let collection = request.collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned());
        check_name("collection", &collection)?;
        let language = request.language.map(|code| check_language(&code)).transpose()?;
        Ok(Self {
            message: request.message,
            conversation_id,
            language,
            collection,
            stream: request.stream.unwrap_or(false),
        })
    }
}

fn check_message(message: &str) -> Result<(), Problem> {
    if message.trim().is_empty() {
        return Err(Problem::invalid("message", "must not be empty"));
    }
    if message.chars().count() > MAX_MESSAGE {
        return Err(Problem::too_large("message", MAX_MESSAGE, "characters"));
    }
    if message.contains('\0') {
        return Err(Problem::invalid("message", "must not contain NUL characters"));
    }
    Ok(())
}

fn check_name(field: &str, name: &str) -> Result<(), Problem> {
    let fits = (1..=MAX_ID).contains(&name.len());
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~:-".contains(&byte));
    if fits && plain { Ok(()) } else { Err(Problem::invalid(field, "expected 1 to 128 of A-Z a-z 0-9 . _ ~ : -")) }
}

/// A BCP 47 code; its first subtag counts. Whether anybody can translate it is the translators' to say.
fn check_language(code: &str) -> Result<String, Problem> {
    let primary = code.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let plain = code.len() <= 35 && primary.len() == 2 && primary.bytes().all(|byte| byte.is_ascii_lowercase());
    if plain {
        Ok(primary)
    } else {
        Err(Problem::invalid("language", "expected a BCP 47 code with two letters, such as es"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::problem::Code;

    fn ask(message: &str) -> ChatRequest {
        ChatRequest { message: message.to_owned(), ..ChatRequest::default() }
    }

    #[test]
    fn each_bad_field_is_named() {
        let long = "a".repeat(MAX_MESSAGE + 1);
        let cases = [
            (ask(" \n"), "message"),
            (ask(&long), "message"),
            (ask("a\0b"), "message"),
            (ChatRequest { collection: Some("a/b".into()), ..ask("a") }, "collection"),
            (ChatRequest { conversation_id: Some(String::new()), ..ask("a") }, "conversation_id"),
            (ChatRequest { language: Some("spanish".into()), ..ask("a") }, "language"),
        ];
        for (request, field) in cases {
            assert_eq!(Question::check(request).unwrap_err().field.as_deref(), Some(field));
        }
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        assert!(Question::check(ask(&"ñ".repeat(MAX_MESSAGE))).is_ok());
        assert_eq!(Question::check(ask(&"ñ".repeat(MAX_MESSAGE + 1))).unwrap_err().code, Code::TooLarge);
    }

    #[test]
    fn regional_codes_count_by_their_language() {
        let question = Question::check(ChatRequest { language: Some("es-MX".into()), ..ask("hola") }).unwrap();
        assert_eq!(question.language.as_deref(), Some("es"));
    }
}
