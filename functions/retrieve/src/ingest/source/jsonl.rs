//! JSON Lines: `{id, title?, text, url?, lang?}`, one document each. Other fields are ignored: exports have them.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
};

use serde::Deserialize;

use super::{Draft, Item, LARGEST};
use crate::text::PlainText;

/// The lines of one file.
#[derive(Debug)]
pub(super) struct Lines {
    name: String,
    reader: BufReader<File>,
    number: usize,
    read: u64,
    failed: bool,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    title: Option<String>,
    text: String,
    url: Option<String>,
    #[serde(alias = "language")]
    lang: Option<String>,
}

impl Lines {
    /// The lines of `file`, `behind` so many bytes of other files.
    pub(super) fn new(name: String, file: File, behind: u64) -> Self {
        Self { name, reader: BufReader::with_capacity(1 << 16, file), number: 0, read: behind, failed: false }
    }

    fn item(&self, draft: Result<Draft, String>) -> Item {
        Item { place: format!("{}:{}", self.name, self.number), read: self.read, draft }
    }

    /// The next line; none at the end. What is longer than a document may be is passed over.
    fn line(&mut self) -> Option<Result<Vec<u8>, String>> {
        if self.failed {
            return None;
        }
        let mut line = Vec::new();
        let bytes = match self.reader.by_ref().take(LARGEST + 1).read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Ok(bytes) => bytes as u64,
            Err(error) => return Some(self.give_up(&error)),
        };
        self.number += 1;
        self.read += bytes;
        if bytes <= LARGEST {
            return Some(Ok(line));
        }
        let skipped = if line.ends_with(b"\n") { Ok(0) } else { self.reader.skip_until(b'\n') };
        match skipped {
            Ok(rest) => {
                self.read += rest as u64;
                Some(Err(format!("larger than {LARGEST} bytes")))
            }
            Err(error) => Some(self.give_up(&error)),
        }
    }

    /// Some programs begin a file with a byte order mark.
    fn without_mark<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        line.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.number == 1).unwrap_or(line)
    }

    /// A file that fails in the middle ends there.
    fn give_up(&mut self, error: &io::Error) -> Result<Vec<u8>, String> {
        self.number += 1;
        self.failed = true;
        Err(error.to_string())
    }
}

impl Iterator for Lines {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            let line = self.line()?;
            match line {
                Ok(line) if line.trim_ascii().is_empty() => {}
                Ok(line) => return Some(self.item(parse(self.without_mark(&line)))),
                Err(reason) => return Some(self.item(Err(reason))),
            }
        }
    }
}

fn parse(line: &[u8]) -> Result<Draft, String> {
    let Line { id, title, text, url, lang } = serde_json::from_slice(line).map_err(|error| described(&error))?;
    Ok(Draft { id, title, url, language: lang, content: PlainText::plain(&text) })
}

/// The kind of mistake, and where. serde's own sentence may quote the line, which is a patient's perhaps.
fn described(error: &serde_json::Error) -> String {
    let (sentence, column) = (error.to_string(), error.column());
    if error.classify() != serde_json::error::Category::Data {
        return format!("not JSON (column {column})");
    }
    let field = ["missing field `", "duplicate field `"].iter().find_map(|start| {
        let name = sentence.strip_prefix(start)?.split('`').next()?;
        Some(format!("{start}{name}`"))
    });
    let expected = || sentence.rsplit_once("expected ").map_or("another form", |(_, rest)| rest);
    let mistake = field.unwrap_or_else(|| {
        let expected = expected().split(" at line ").next().unwrap_or_default();
        format!("expected {expected} (column {column})")
    });
    format!("not a document: {mistake}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_fields_are_ignored_and_missing_ones_named() {
        let draft = parse(br#"{"id": "a", "text": "T", "type": "questions", "language": "es"}"#).unwrap();
        assert_eq!((draft.id.as_str(), draft.language.as_deref()), ("a", Some("es")));
        assert!(parse(br#"{"id": "a"}"#).unwrap_err().contains("`text`"));
        assert!(parse(b"{").unwrap_err().starts_with("not JSON"));
    }

    #[test]
    fn what_a_line_says_is_not_repeated() {
        for line in [
            &br#""Jane Roe 219099999""#[..],
            br#"{"id": 219099999, "text": "Jane"}"#,
            br#"{"id": "a", "text": {"Jane": 1}}"#,
        ] {
            let reason = parse(line).unwrap_err();
            assert!(!reason.contains("219099999") && !reason.contains("Jane"), "{reason}");
            assert!(reason.starts_with("not a document: expected "), "{reason}");
        }
    }
}
