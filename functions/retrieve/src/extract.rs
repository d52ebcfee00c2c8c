//! Files to text, by media type. Each format keeps its headings and loses its markup.

mod html;
mod markdown;
mod pdf;

use std::panic::{AssertUnwindSafe, catch_unwind};

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
    /// `application/pdf`
    Pdf,
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
    /// Not a PDF, or one that could be read in part only.
    #[error("is not a PDF, or a damaged one")]
    Corrupt,
    /// A PDF that is locked, with or without a password to open it.
    #[error("is an encrypted PDF: save it without protection")]
    Encrypted,
    /// A PDF that is small and becomes large.
    #[error("is a PDF that takes up too much memory: at most {} MiB of text and {} MiB in one part", pdf::MAX_INFLATED >> 20, pdf::MAX_STREAM >> 20)]
    Bomb,
    /// A PDF of pictures, or with fonts that do not say which letters they show.
    #[error("is a PDF without text, such as a scan: recognise its text first")]
    NoTextLayer,
    /// A PDF of many books.
    #[error("is a PDF of more than {} pages", pdf::MAX_PAGES)]
    TooManyPages,
    /// The library that reads the format panicked.
    #[error("cannot be read")]
    Crashed,
}

impl Format {
    /// The media types that are read, for messages.
    pub const ACCEPTED: &'static str = "text/plain, text/markdown, text/html or application/pdf";

    /// The format of a media type; parameters such as `charset=utf-8` are ignored.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "text/plain" => Some(Self::Plain),
            "text/markdown" => Some(Self::Markdown),
            "text/html" => Some(Self::Html),
            "application/pdf" => Some(Self::Pdf),
            _ => None,
        }
    }

    /// The format of a file name's extension.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Plain),
            "md" | "markdown" => Some(Self::Markdown),
            "html" | "htm" => Some(Self::Html),
            "pdf" => Some(Self::Pdf),
            _ => None,
        }
    }
}

/// Reads a file. Computes for milliseconds to seconds: not on the reactor's thread.
pub fn extract(format: Format, bytes: &[u8]) -> Result<(PlainText, FrontMatter), ExtractError> {
    guarded(|| read(format, bytes))
}

/// A fault of a library costs the file. What it was working on is dropped with the call.
fn guarded<T>(read: impl FnOnce() -> Result<T, ExtractError>) -> Result<T, ExtractError> {
    let outcome = catch_unwind(AssertUnwindSafe(read));
    outcome.unwrap_or_else(|panic| Err(panic.downcast::<ExtractError>().map_or(ExtractError::Crashed, |error| *error)))
}

fn read(format: Format, bytes: &[u8]) -> Result<(PlainText, FrontMatter), ExtractError> {
    let (plain, front_matter) = match format {
        Format::Plain => (PlainText::plain(text(bytes)?), FrontMatter::default()),
        Format::Markdown => markdown::read(text(bytes)?)?,
        Format::Html => (html::read(text(bytes)?), FrontMatter::default()),
        Format::Pdf => (pdf::read(bytes)?, FrontMatter::default()),
    };
    if plain.text.trim().is_empty() { Err(ExtractError::Empty) } else { Ok((plain, front_matter)) }
}

fn text(bytes: &[u8]) -> Result<&str, ExtractError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ExtractError::Encoding)?;
    if text.contains('\0') { Err(ExtractError::Nul) } else { Ok(text.strip_prefix('\u{feff}').unwrap_or(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_ignore_case_and_parameters() {
        assert_eq!(Format::of_media_type("Text/HTML; charset=utf-8"), Some(Format::Html));
        assert_eq!(Format::of_media_type("application/pdf"), Some(Format::Pdf));
        assert_eq!(Format::of_media_type("image/png"), None);
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        assert_eq!(extract(Format::Plain, b"\xff\xfe"), Err(ExtractError::Encoding));
        assert_eq!(extract(Format::Plain, b"a\0b"), Err(ExtractError::Nul));
        assert_eq!(extract(Format::Html, b"<script>1</script>"), Err(ExtractError::Empty));
    }

    #[test]
    fn a_panic_costs_the_file_and_nothing_else() {
        assert_eq!(guarded(|| -> Result<(), _> { panic!("on purpose") }), Err(ExtractError::Crashed));
        assert_eq!(guarded(|| Ok(1)), Ok(1));
    }

    /// Each is as large as the API takes. A reader that goes back for every tag would take minutes.
    #[test]
    fn what_is_nested_or_never_ends_costs_no_more_than_it_is_long() {
        const BYTES: usize = 4 << 20;
        let pages = [
            "<div>",
            "<h1>",
            "<h1>a</h1>",
            "<",
            "&",
            "</",
            "<!--",
            "<a b",
            "<a b=c ",
            "<title>",
            "<svg>",
            "<td><table>",
        ];
        for part in pages {
            let page = format!("<p>Words.</p>{}", part.repeat(BYTES / part.len()));
            let (text, _) = extract(Format::Html, page.as_bytes()).unwrap();
            assert!(text.text.starts_with("Words.") && text.text.len() <= page.len(), "{part}");
        }
        for part in
            ["> ", "- ", "* * ", "[", "![", "*a ", "`", "<a ", "|", "#", "\\", "1. ", "[a](", "\t", "a\n- ", "~~a"]
        {
            let page = format!("Words.\n\n{}", part.repeat(BYTES / part.len()));
            let (text, _) = extract(Format::Markdown, page.as_bytes()).unwrap();
            assert!(text.text.starts_with("Words."), "{part}");
        }
    }
}
