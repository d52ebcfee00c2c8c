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
                Ok(line) => return Some(self.item(parse(&line))),
                Err(reason) => return Some(self.item(Err(reason))),
            }
        }
    }
}

fn parse(line: &[u8]) -> Result<Draft, String> {
    let Line { id, title, text, url, lang } = serde_json::from_slice(line).map_err(|error| described(&error))?;
    Ok(Draft { id, title, url, language: lang, content: PlainText::plain(&text) })
}

/// The kind of mistake. serde's own sentence counts lines within the line.
fn described(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => format!("not a document: {error}"),
        _ => format!("not JSON (column {})", error.column()),
    }
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
}
