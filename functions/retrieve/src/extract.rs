//! Files to text, by media type. Each format keeps its headings and loses its markup.

mod html;
mod markdown;

pub use markdown::FrontMatter;

use crate::text::PlainText;

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text/plain`
    Plain,
    /// `text/markdown`
    Markdown,
    /// `text/html`
    Html,
}

/// Why a file has no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// A NUL byte, which no text has and Postgres does not store.
    #[error("has a NUL byte")]
    Nul,
    /// The front matter is not what it should be.
    #[error("its front matter is not a map of id, title, url and language")]
    FrontMatter,
    /// Nothing to read.
    #[error("has no text")]
    Empty,
}

impl Format {
    /// The media types that are read, for messages.
    pub const ACCEPTED: &'static str = "text/plain, text/markdown or text/html";

    /// The format of a media type; parameters such as `charset=utf-8` are ignored.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "text/plain" => Some(Self::Plain),
            "text/markdown" => Some(Self::Markdown),
            "text/html" => Some(Self::Html),
            _ => None,
        }
    }

    /// The format of a file name's extension.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Plain),
            "md" | "markdown" => Some(Self::Markdown),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

/// Reads a file.
pub fn extract(format: Format, bytes: &[u8]) -> Result<(PlainText, FrontMatter), ExtractError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ExtractError::Encoding)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\0') {
        return Err(ExtractError::Nul);
    }
    let (plain, front_matter) = match format {
        Format::Plain => (PlainText::plain(text), FrontMatter::default()),
        Format::Markdown => markdown::read(text)?,
        Format::Html => (html::read(text), FrontMatter::default()),
    };
    if plain.text.trim().is_empty() { Err(ExtractError::Empty) } else { Ok((plain, front_matter)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_ignore_case_and_parameters() {
        assert_eq!(Format::of_media_type("Text/HTML; charset=utf-8"), Some(Format::Html));
        assert_eq!(Format::of_media_type("application/pdf"), None);
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        assert_eq!(extract(Format::Plain, b"\xff\xfe"), Err(ExtractError::Encoding));
        assert_eq!(extract(Format::Plain, b"a\0b"), Err(ExtractError::Nul));
        assert_eq!(extract(Format::Html, b"<script>1</script>"), Err(ExtractError::Empty));
    }
}
