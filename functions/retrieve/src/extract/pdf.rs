//! PDF: the words of the pages in their order, as paragraphs, with what is set larger as headings.
//!
//! `lopdf` reads the file and inflates its streams, each under a bound. What the pages say is read here, since the text
//! a page shows is a matter of fonts and places: [`content`] follows its operators, [`font`] turns codes into words,
//! [`layout`] makes lines and paragraphs of them. A PDF is a program that others wrote: every part of it is paid for
//! from one [`Budget`], and one that would be read in part only is refused.

mod cmap;
mod content;
mod damage;
mod font;
mod layout;
mod load;

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Object, ObjectId, decode_text_string};

use super::ExtractError;
use crate::text::{PlainText, one_line};

/// More pages than any plan document; a page tree can name a page in ten bytes.
pub const MAX_PAGES: usize = 2_000;
/// What one stream may inflate to. The largest pages of drawings have some 5 MB; a value in a page takes up thirty times
/// its size while it is looked at.
pub const MAX_STREAM: usize = 8 << 20;
/// What all streams that are read may inflate to together: a thousand pages full of text have some 30 MB. It is parsed
/// in about two seconds.
pub const MAX_INFLATED: usize = 64 << 20;
/// What a stream costs at least: empty ones take time too, and a page can name one in four bytes.
const LEAST: usize = 256;
/// Nodes between a page and the root of its tree that may lend it resources.
const MAX_PARENTS: usize = 64;
/// Where titles of files stop being titles.
const LONGEST_TITLE: usize = 300;

/// What is left of what a document may take.
#[derive(Debug)]
struct Budget {
    bytes: usize,
}

/// Reads a document. Unwinds with an [`ExtractError`] when it goes out of bounds.
pub(super) fn read(bytes: &[u8]) -> Result<PlainText, ExtractError> {
    let document = load::load(bytes)?;
    let mut reader = content::Reader::new(&document);
    let mut pages = Vec::new();
    for id in page_ids(&document)? {
        let page = document.get_dictionary(id).map_err(|_| ExtractError::Corrupt)?;
        let resources = resources(&document, page);
        pages.push(reader.page(contents(&document, page)?, resources)?);
    }
    let mut text = layout::text(&pages);
    if !is_readable(&text.text) {
        return Err(ExtractError::NoTextLayer);
    }
    let largest = || text.headings.iter().find(|heading| heading.level == 1).map(|heading| heading.text.clone());
    text.title = title(&document).or_else(largest);
    Ok(text)
}

/// The pages in their order. The tree says how many there are: fewer were cut off.
fn page_ids(document: &Document) -> Result<Vec<ObjectId>, ExtractError> {
    let mut seen = HashSet::new();
    let mut ids: Vec<ObjectId> = document.page_iter().take(MAX_PAGES + 1).collect();
    if ids.len() > MAX_PAGES {
        return Err(ExtractError::TooManyPages);
    }
    // A tree that leads back to itself names its pages again and again.
    ids.retain(|id| seen.insert(*id));
    let counted = document.catalog().and_then(|catalog| catalog.get_deref(b"Pages", document));
    let counted = counted.and_then(Object::as_dict).and_then(|root| root.get_deref(b"Count", document));
    let counted = counted.and_then(Object::as_i64).ok().and_then(|count| usize::try_from(count).ok());
    let cut = counted.is_some_and(|counted| counted > ids.len());
    if cut || ids.is_empty() { Err(ExtractError::Corrupt) } else { Ok(ids) }
}

/// The streams that make up a page, which read as one.
fn contents<'a>(document: &'a Document, page: &'a Dictionary) -> Result<Vec<&'a lopdf::Stream>, ExtractError> {
    let Ok(contents) = page.get(b"Contents") else { return Ok(Vec::new()) };
    let resolved = |object| document.dereference(object).map(|(_, object)| object).map_err(|_| ExtractError::Corrupt);
    match resolved(contents)? {
        Object::Stream(stream) => Ok(vec![stream]),
        Object::Array(parts) => {
            parts.iter().map(|part| resolved(part)?.as_stream().map_err(|_| ExtractError::Corrupt)).collect()
        }
        Object::Null => Ok(Vec::new()),
        _ => Err(ExtractError::Corrupt),
    }
}

/// The fonts and forms that a page may use: its own, or those of the nearest node above it that has some.
fn resources<'a>(document: &'a Document, page: &'a Dictionary) -> Option<&'a Dictionary> {
    let mut node = page;
    for _ in 0..MAX_PARENTS {
        if let Ok(resources) = node.get_deref(b"Resources", document).and_then(Object::as_dict) {
            return Some(resources);
        }
        node = node.get_deref(b"Parent", document).and_then(Object::as_dict).ok()?;
    }
    None
}

/// The title that the file carries, unless a program made it up.
fn title(document: &Document) -> Option<String> {
    let info = document.trailer.get_deref(b"Info", document).and_then(Object::as_dict).ok()?;
    let title = one_line(&decode_text_string(info.get_deref(b"Title", document).ok()?).ok()?);
    is_title(&title).then_some(title)
}

fn is_title(title: &str) -> bool {
    const FILES: [&str; 9] = [".doc", ".docx", ".pdf", ".indd", ".ppt", ".pptx", ".xls", ".xlsx", ".tmp"];
    const EMPTY: [&str; 4] = ["untitled", "microsoft word -", "powerpoint presentation", "no title"];
    let lower = title.to_lowercase();
    title.chars().filter(|c| c.is_alphabetic()).count() > 1
        && title.chars().count() <= LONGEST_TITLE
        && !title.contains('\u{fffd}')
        && !FILES.iter().any(|extension| lower.ends_with(extension))
        && !EMPTY.iter().any(|start| lower.starts_with(start))
}

/// A scan has no text; a font without names for its shapes has only marks that mean nothing.
fn is_readable(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
    let unknown = text.chars().filter(|&c| c == '\u{fffd}').count();
    letters > unknown
}

impl Budget {
    fn new() -> Self {
        Self { bytes: MAX_INFLATED }
    }

    /// What `stream` holds, inflated.
    fn inflated(&mut self, stream: &lopdf::Stream) -> Result<Vec<u8>, ExtractError> {
        let limit = MAX_STREAM.min(self.bytes);
        let bytes = stream.get_plain_content_with_limit(limit).map_err(|error| load::named(&error))?;
        self.spend(bytes.len().max(LEAST))?;
        damage::check(stream)?;
        Ok(bytes)
    }

    /// Pays for what is kept.
    fn spend(&mut self, bytes: usize) -> Result<(), ExtractError> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(ExtractError::Bomb)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
