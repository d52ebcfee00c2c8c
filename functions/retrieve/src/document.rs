//! A document before it is indexed: parsed, bounded, with a digest that says whether indexing it again is needed.

use sha2::{Digest, Sha256};
use shared::contract::retrieve::Visibility;

use crate::{
    error::Error,
    text::{PlainText, one_line},
};

/// Where documents go, and where search looks, when nothing else is said.
pub const DEFAULT_COLLECTION: &str = "default";
/// The language of a document that does not say.
pub const DEFAULT_LANGUAGE: &str = "en";
/// Raised when chunking or analysis change, so that documents are indexed again although their text is the same.
const RECIPE: &str = "5";

/// A handbook of a thousand pages has some five thousand. Each starts a passage, and a passage takes up two kilobytes.
const MOST_HEADINGS: usize = 20_000;
const LONGEST_ID: usize = 200;
const LONGEST_TITLE: usize = 500;
const LONGEST_URL: usize = 2_048;
/// ISO 639 and a region, as in `es-MX`; longer tags say nothing about stemming.
const LONGEST_LANGUAGE: usize = 12;

/// Names a document among those of its owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKey {
    /// The collection.
    pub collection: String,
    /// The id in it.
    pub id: String,
}

/// A document to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub key: DocumentKey,
    /// Its title.
    pub title: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// BCP 47, lower case.
    pub language: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// What it says.
    pub content: PlainText,
}

impl DocumentKey {
    /// Checks both parts. Collections have the form of ids.
    pub fn new(collection: &str, id: &str) -> Result<Self, Error> {
        Ok(Self { collection: identifier("collection", collection)?, id: identifier("id", id)? })
    }
}

impl Document {
    /// Checks what came with the text.
    pub fn new(
        key: DocumentKey,
        title: Option<String>,
        url: Option<String>,
        language: Option<&str>,
        visibility: Visibility,
        content: PlainText,
    ) -> Result<Self, Error> {
        let found = || content.title.as_deref().map(presentable);
        let title = bounded("title", title.or_else(found), LONGEST_TITLE)?;
        let url = bounded("url", url, LONGEST_URL)?;
        let language = language_tag("language", language.unwrap_or(DEFAULT_LANGUAGE))?;
        if content.text.trim().is_empty() {
            return Err(Error::invalid("text", "expected some text"));
        }
        if content.text.contains('\0') {
            return Err(Error::invalid("text", "has a NUL character"));
        }
        if content.headings.len() > MOST_HEADINGS {
            return Err(Error::TooLarge { field: "text", limit: MOST_HEADINGS, unit: "headings" });
        }
        Ok(Self { key, title, url, language, visibility, content })
    }

    /// A digest of all that the passages are made from, the way of making them included. Equal: nothing to do.
    pub fn sha256(&self, embedding_model: &str) -> [u8; 32] {
        let Self { title, url, language, visibility, content, .. } = self;
        let mut digest = Sha256::new();
        let optional = [title.as_deref(), url.as_deref()].map(Option::unwrap_or_default);
        let parts =
            [RECIPE, embedding_model, optional[0], optional[1], language, visibility_word(*visibility), &content.text];
        for part in parts {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        for heading in &content.headings {
            digest.update([heading.level]);
            digest.update((heading.at as u64).to_le_bytes());
        }
        digest.finalize().into()
    }
}

/// The word that the database knows.
pub fn visibility_word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Shared => "shared",
        Visibility::Private => "private",
    }
}

/// What the database's word means. A word that is unknown means private, which is safe.
pub fn visibility_of(word: &str) -> Visibility {
    if word == "shared" { Visibility::Shared } else { Visibility::Private }
}

/// An id or collection as it may appear in a path.
pub fn identifier(field: &str, value: &str) -> Result<String, Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~:-".contains(&byte);
    if (1..=LONGEST_ID).contains(&value.len()) && value.bytes().all(allowed) {
        return Ok(value.to_owned());
    }
    Err(Error::invalid(field, "expected 1 to 200 of A-Z a-z 0-9 . _ ~ : -"))
}

/// A BCP 47 tag, lowered.
pub fn language_tag(field: &str, value: &str) -> Result<String, Error> {
    let letters = value.split('-').next().is_some_and(|primary| {
        (2..=3).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    let rest = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if letters && rest && value.len() <= LONGEST_LANGUAGE {
        return Ok(value.to_ascii_lowercase());
    }
    Err(Error::invalid(field, "expected a language tag such as en or es"))
}

/// A title that was found in the text, as one that is sent must be: whoever wrote the text never called it a title.
fn presentable(title: &str) -> String {
    one_line(title).chars().take(LONGEST_TITLE).collect()
}

fn bounded(field: &str, value: Option<String>, longest: usize) -> Result<Option<String>, Error> {
    let Some(value) = value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    if value.chars().count() > longest {
        return Err(Error::invalid(field, "is too long"));
    }
    if value.chars().any(char::is_control) {
        return Err(Error::invalid(field, "has control characters"));
    }
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(title: Option<&str>, url: Option<&str>) -> Document {
        let key = DocumentKey::new("default", "a").unwrap();
        let owned = |value: Option<&str>| value.map(str::to_owned);
        Document::new(key, owned(title), owned(url), None, Visibility::Private, PlainText::plain("Words.")).unwrap()
    }

    #[test]
    fn a_title_that_was_found_is_made_one() {
        let key = DocumentKey::new("default", "a").unwrap();
        let found = format!("Gold\tPlan\u{7} {}", "x".repeat(LONGEST_TITLE));
        let content = PlainText { title: Some(found), ..PlainText::plain("Words.") };
        let document = Document::new(key, None, None, None, Visibility::Private, content).unwrap();
        let title = document.title.unwrap();
        assert!(title.starts_with("Gold Plan x") && title.chars().count() == LONGEST_TITLE, "{title}");
    }

    #[test]
    fn ids_have_the_form_of_the_contract() {
        assert!(identifier("id", "hg-00493b87.v1~2:3_4").is_ok());
        for bad in ["", "a b", "a/b", "ñ", "a\0", &"x".repeat(201)] {
            assert!(identifier("id", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn language_tags_are_lowered_and_checked() {
        assert_eq!(language_tag("language", "es-MX").unwrap(), "es-mx");
        for bad in ["", "e", "english", "en_US", "12"] {
            assert!(language_tag("language", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_document_of_nothing_but_headings_is_refused() {
        let page = "<h1>a</h1>".repeat(MOST_HEADINGS + 1);
        let (content, _) = crate::extract::extract(crate::extract::Format::Html, page.as_bytes()).unwrap();
        let key = DocumentKey::new("default", "a").unwrap();
        let refused = Document::new(key, None, None, None, Visibility::Private, content).unwrap_err();
        assert_eq!(refused.to_string(), "`text`: at most 20000 headings");
    }

    #[test]
    fn the_digest_sees_every_part_and_the_model() {
        let plain = document(None, None);
        assert_eq!(plain.sha256("m"), document(None, None).sha256("m"));
        assert_ne!(plain.sha256("m"), plain.sha256("n"));
        assert_ne!(document(Some("x"), None).sha256("m"), document(None, Some("x")).sha256("m"));
    }
}
