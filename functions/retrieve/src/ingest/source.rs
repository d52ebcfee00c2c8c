//! What `ingest` reads: one file or a folder of them, in the order of their names, document by document.
//!
//! A JSONL file holds one document per line; every other file is one document. Nothing is held in memory but the
//! document at hand, and a line or file that is too large is passed over without being read in.

mod folder;
mod jsonl;

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use folder::Found;
use jsonl::Lines;

use sha2::{Digest, Sha256};

use super::Destination;
use crate::{
    document::{Document, DocumentKey},
    error::Error,
    extract::{Format, extract},
    text::PlainText,
};

/// No document is larger. Above this it is a data dump, and a search for its passages finds nothing else.
const LARGEST: u64 = 32 << 20;

/// The documents of a file or folder.
#[derive(Debug)]
pub struct Source {
    root: PathBuf,
    files: VecDeque<Found>,
    lines: Option<Lines>,
    /// Bytes of the files that were finished.
    finished: u64,
    total: u64,
}

/// One document of a source, or why there is none.
#[derive(Debug)]
pub struct Item {
    /// File, and line where there is one.
    pub place: String,
    /// Bytes of the source that are behind it.
    pub read: u64,
    /// The document as it stands there.
    pub draft: Result<Draft, String>,
}

/// A document as it stands in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) url: Option<String>,
    pub(super) language: Option<String>,
    pub(super) content: PlainText,
}

/// Why nothing can be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The path cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// There is nothing to ingest.
    #[error("{0}: no .jsonl, .md, .html, .pdf or .txt file")]
    Empty(String),
}

impl Source {
    /// The documents of `path`.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: path.display().to_string(), source };
        let mut files = Vec::new();
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if metadata.is_dir() {
            folder::list(path, &mut files).map_err(unreadable)?;
        } else if is_document(path) {
            files.push((path.to_owned(), Ok(metadata.len())));
        }
        if files.is_empty() {
            return Err(SourceError::Empty(path.display().to_string()));
        }
        files.sort_unstable();
        let total = files.iter().filter_map(|(_, bytes)| bytes.as_ref().ok()).sum();
        let root = if metadata.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        Ok(Self { root: root.to_owned(), files: files.into(), lines: None, finished: 0, total })
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.total
    }

    fn next_file(&mut self) -> Option<Item> {
        let (path, bytes) = self.files.pop_front()?;
        let place = path.strip_prefix(&self.root).unwrap_or(&path).display().to_string();
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(reason) => return Some(self.finish(place, 0, Err(reason))),
        };
        if is_jsonl(&path) {
            return match File::open(&path) {
                Ok(file) => {
                    self.lines = Some(Lines::new(place, file, self.finished));
                    self.finished += bytes;
                    self.next()
                }
                Err(error) => Some(self.finish(place, bytes, Err(error.to_string()))),
            };
        }
        let draft = read_file(&path, &place, bytes);
        Some(self.finish(place, bytes, draft))
    }

    fn finish(&mut self, place: String, bytes: u64, draft: Result<Draft, String>) -> Item {
        self.finished += bytes;
        Item { place, read: self.finished, draft }
    }
}

impl Iterator for Source {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let line = self.lines.as_mut().and_then(Iterator::next);
        if line.is_some() {
            return line;
        }
        self.lines = None;
        self.next_file()
    }
}

impl Draft {
    /// The document, checked, on its way to `destination`.
    pub(super) fn document(self, destination: &Destination) -> Result<Document, Error> {
        let key = DocumentKey::new(&destination.collection, &self.id)?;
        Document::new(key, self.title, self.url, self.language.as_deref(), destination.visibility, self.content)
    }
}

fn read_file(path: &Path, place: &str, bytes: u64) -> Result<Draft, String> {
    let format = format_of(path).ok_or("of no known format")?;
    let too_large = || format!("larger than {LARGEST} bytes");
    if bytes > LARGEST {
        return Err(too_large());
    }
    let mut content = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    // It grew since it was looked at. Half of it is not a document.
    if content.len() as u64 > LARGEST {
        return Err(too_large());
    }
    let (text, front_matter) = extract(format, &content).map_err(|error| error.to_string())?;
    Ok(Draft {
        id: front_matter.id.unwrap_or_else(|| id_of(place)),
        title: front_matter.title,
        url: front_matter.url,
        language: front_matter.language,
        content: text,
    })
}

/// A file that names no id has its path for one, without the extension: `plans/gold.md` is `plans:gold`. Letters that no id may
/// have are told apart by a digest.
fn id_of(place: &str) -> String {
    let stem = Path::new(place).with_extension("");
    let stem = stem.to_string_lossy().replace(['/', '\\'], ":");
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "._~:-".contains(c) { c } else { '-' };
    let id: String = stem.chars().map(allowed).collect();
    if stem.is_ascii() {
        return id;
    }
    let digest = Sha256::digest(&stem);
    format!("{id}~{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3])
}

fn is_document(path: &Path) -> bool {
    is_jsonl(path) || format_of(path).is_some()
}

fn is_jsonl(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl"))
}

fn format_of(path: &Path) -> Option<Format> {
    Format::of_extension(path.extension()?.to_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_in_order_and_what_cannot_be_read_has_its_place() {
        let folder = std::env::temp_dir().join(format!("navigator-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(folder.join("plans")).unwrap();
        let write = |name: &str, content: &[u8]| fs::write(folder.join(name), content).unwrap();
        write("b.jsonl", b"{\"id\": \"1\", \"text\": \"One.\"}\n{\"id\": \n\n{\"id\": \"2\", \"text\": \"Two.\", \"lang\": \"es\"}\n");
        write("a.md", b"---\nid: first\n---\n# A\ntext");
        write("plans/gold plan.txt", b"Gold.");
        write("plans/broken.html", b"\xff");
        write("plans/ignored.png", b"png");
        write(".hidden.txt", b"hidden");
        let source = Source::open(&folder).unwrap();
        let total = source.bytes();
        let items: Vec<Item> = source.collect();
        fs::remove_dir_all(&folder).unwrap();
        let seen: Vec<_> =
            items.iter().map(|i| (i.place.as_str(), i.draft.as_ref().ok().map(|d| d.id.as_str()))).collect();
        assert_eq!(
            seen,
            [
                ("a.md", Some("first")),
                ("b.jsonl:1", Some("1")),
                ("b.jsonl:2", None),
                ("b.jsonl:4", Some("2")),
                ("plans/broken.html", None),
                ("plans/gold plan.txt", Some("plans:gold-plan")),
            ]
        );
        assert_eq!(items.last().unwrap().read, total);
    }

    #[test]
    fn files_in_any_script_have_ids_of_their_own() {
        assert_eq!(id_of("plans/gold plan.txt"), "plans:gold-plan");
        let ids = ["費用.md", "給付.md", "льготы.md", "оплата.md"].map(id_of);
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{ids:?}");
        assert!(ids.iter().all(|id| crate::document::identifier("id", id).is_ok()), "{ids:?}");
    }

    #[test]
    fn what_is_too_large_is_passed_over_and_the_rest_is_read() {
        let folder = std::env::temp_dir().join(format!("navigator-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let long = "A sentence. ".repeat((50 << 20) / 12);
        fs::write(folder.join("a.txt"), &long).unwrap();
        fs::write(
            folder.join("b.jsonl"),
            format!("{{\"id\": \"1\", \"text\": \"{long}\"}}\n{{\"id\": \"2\", \"text\": \"Two.\"}}\n"),
        )
        .unwrap();
        fs::write(folder.join("c.html"), "<p>Three.").unwrap();
        let source = Source::open(&folder).unwrap();
        let total = source.bytes();
        let items: Vec<Item> = source.collect();
        fs::remove_dir_all(&folder).unwrap();
        let seen: Vec<_> = items.iter().map(|i| (i.place.as_str(), i.draft.as_ref().map(|d| d.id.as_str()))).collect();
        let too_large = "larger than 33554432 bytes".to_owned();
        let expected =
            [("a.txt", Err(&too_large)), ("b.jsonl:1", Err(&too_large)), ("b.jsonl:2", Ok("2")), ("c.html", Ok("c"))];
        assert_eq!(seen, expected);
        assert_eq!(items.last().unwrap().read, total);
    }

    #[test]
    fn a_folder_without_documents_is_said() {
        let missing = Source::open(Path::new("/nonexistent/navigator")).unwrap_err();
        assert!(matches!(missing, SourceError::Unreadable { .. }));
    }
}
