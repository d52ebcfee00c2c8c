//! A font: what its codes say, and how far each moves on.

use std::collections::HashMap;

use lopdf::{Dictionary, Document, Object, Stream};

use super::{Budget, cmap::CMap};
use crate::extract::ExtractError;

/// Widths are in thousandths of the font's size.
const EM: f32 = 1000.0;
/// Where a font does not say: an average letter.
const USUAL_WIDTH: f32 = 500.0;
/// Widths that a font may list.
const MAX_WIDTHS: usize = 65_536;

/// What a page needs to know of a font to be read.
#[derive(Debug)]
pub(super) struct Font {
    words: Words,
    widths: HashMap<u32, f32>,
    usual: f32,
}

/// A code of a string that was shown.
pub(super) struct Glyph {
    /// What it says; none when the font keeps that to itself.
    pub text: Option<String>,
    /// How far it moves on, in units of the font's size.
    pub advance: f32,
    /// The one code that word spacing widens (9.3.3).
    pub is_space: bool,
}

#[derive(Debug)]
enum Words {
    /// The file's own table.
    Table(CMap),
    /// One byte each.
    Bytes(Vec<Option<String>>),
    /// UTF-16.
    Units,
    /// Numbers of shapes, two bytes each, without names.
    Unknown,
}

impl Font {
    /// Reads what `font` says about itself.
    pub(super) fn of(document: &Document, font: &Dictionary, budget: &mut Budget) -> Result<Self, ExtractError> {
        let composite = name_of(document, font, b"Subtype") == Some(b"Type0");
        let words = match font.get_deref(b"ToUnicode", document).and_then(Object::as_stream) {
            Ok(table) => Words::Table(table_of(table, composite, budget)?),
            Err(_) if composite => unnamed(name_of(document, font, b"Encoding").unwrap_or_default()),
            Err(_) => Words::Bytes(bytes(document, font)),
        };
        let (widths, usual) = if composite { composite_widths(document, font) } else { simple_widths(document, font) };
        Ok(Self { words, widths, usual })
    }

    /// About the bytes that it takes up: a few in a file can say a lot of widths.
    pub(super) fn size(&self) -> usize {
        const SMALLEST: usize = 2048;
        SMALLEST + self.widths.len() * 16
    }

    /// The codes of `string`, in order.
    pub(super) fn glyphs(&self, string: &[u8]) -> impl Iterator<Item = Glyph> {
        let width = match &self.words {
            Words::Table(table) => table.width,
            Words::Bytes(_) => 1,
            Words::Units | Words::Unknown => 2,
        };
        string.chunks(width).map(move |bytes| {
            let code = bytes.iter().fold(0, |code, &byte| code << 8 | u32::from(byte));
            let advance = self.widths.get(&code).copied().unwrap_or(self.usual) / EM;
            Glyph { text: self.text(code), advance, is_space: width == 1 && code == u32::from(b' ') }
        })
    }

    fn text(&self, code: u32) -> Option<String> {
        match &self.words {
            Words::Table(table) => table.text(code),
            Words::Bytes(letters) => letters.get(usize::try_from(code).ok()?)?.clone(),
            Words::Units => char::from_u32(code).map(String::from),
            Words::Unknown => None,
        }
    }
}

fn table_of(table: &Stream, composite: bool, budget: &mut Budget) -> Result<CMap, ExtractError> {
    let mut table = CMap::parse(&budget.inflated(table)?);
    // Codes of simple fonts are bytes, whatever the table says.
    table.width = if composite { table.width } else { 1 };
    Ok(table)
}

fn unnamed(encoding: &[u8]) -> Words {
    let is_unicode = encoding.starts_with(b"Uni") && encoding.windows(3).any(|part| part == b"UCS" || part == b"UTF");
    if is_unicode { Words::Units } else { Words::Unknown }
}

/// What each byte says in a font without a table: by its encoding, and the names of what differs from it.
fn bytes(document: &Document, font: &Dictionary) -> Vec<Option<String>> {
    let encoding = font.get_deref(b"Encoding", document).ok();
    let base = match encoding {
        Some(Object::Name(name)) => Some(name.as_slice()),
        Some(Object::Dictionary(encoding)) => name_of(document, encoding, b"BaseEncoding"),
        _ => None,
    };
    let mut letters = encoded(document, base.unwrap_or(b"StandardEncoding"));
    let differences = encoding.and_then(|encoding| encoding.as_dict().ok()?.get_deref(b"Differences", document).ok());
    let Some(Ok(differences)) = differences.map(Object::as_array) else { return letters };
    let mut code = 0;
    for difference in differences {
        match difference {
            Object::Integer(next) => code = usize::try_from(*next).unwrap_or(usize::MAX),
            Object::Name(name) => {
                if let Some(letter) = letters.get_mut(code) {
                    *letter = named(document, name);
                }
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
    letters
}

/// The letters of a predefined encoding, by the library's tables.
fn encoded(document: &Document, base: &[u8]) -> Vec<Option<String>> {
    let known: [&[u8]; 4] = [b"StandardEncoding", b"WinAnsiEncoding", b"MacRomanEncoding", b"MacExpertEncoding"];
    let base = if known.contains(&base) { base } else { known[0] };
    decoded(document, Object::Name(base.to_vec()), 0..=255)
}

/// The letter that a glyph's name means: one of Adobe's list, or `uni00E9`, or `u1F600`.
fn named(document: &Document, name: &[u8]) -> Option<String> {
    let name = name.split(|&byte| byte == b'.').next().unwrap_or_default();
    let digits =
        name.strip_prefix(b"uni").or_else(|| name.strip_prefix(b"u")).and_then(|hex| std::str::from_utf8(hex).ok());
    let digits = digits.filter(|digits| (4..=6).contains(&digits.len()));
    if let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
        return char::from_u32(code).map(String::from);
    }
    // Its list is found through an encoding that differs in this one name. Byte 1 means nothing in the encoding itself.
    let differences = Object::Array(vec![Object::Integer(1), Object::Name(name.to_vec())]);
    let encoding = Dictionary::from_iter([("Differences", differences)]);
    decoded(document, Object::Dictionary(encoding), 1..=1).pop()?
}

fn decoded(document: &Document, encoding: Object, codes: std::ops::RangeInclusive<u8>) -> Vec<Option<String>> {
    let font = Dictionary::from_iter([("Type", Object::Name(b"Font".to_vec())), ("Encoding", encoding)]);
    let Ok(encoding) = font.get_font_encoding_with_limit(document, 0) else { return vec![None; codes.len()] };
    let letter = |code| encoding.bytes_to_string(&[code]).ok().filter(|letter| !letter.is_empty());
    codes.map(letter).collect()
}

/// `Widths`, from `FirstChar` on.
fn simple_widths(document: &Document, font: &Dictionary) -> (HashMap<u32, f32>, f32) {
    // The shapes of type 3 are drawn in units of their own.
    let matrix = font.get_deref(b"FontMatrix", document).and_then(Object::as_array).ok();
    let scale = matrix.and_then(|matrix| matrix.first()?.as_float().ok()).unwrap_or(1.0 / EM) * EM;
    let first = font.get_deref(b"FirstChar", document).and_then(Object::as_i64).ok();
    let first = first.and_then(|first| u32::try_from(first).ok()).unwrap_or(0);
    let widths = font.get_deref(b"Widths", document).and_then(Object::as_array);
    let widths = widths.map_or(&[][..], Vec::as_slice).iter().take(256);
    let width = |(code, width): (u32, &Object)| Some((code, number(document, width)? * scale));
    let descriptor = font.get_deref(b"FontDescriptor", document).and_then(Object::as_dict);
    let missing = descriptor.and_then(|descriptor| descriptor.get_deref(b"MissingWidth", document));
    let usual = missing.and_then(Object::as_float).unwrap_or(USUAL_WIDTH);
    ((first..).zip(widths).filter_map(width).collect(), usual)
}

/// `W` of the descendant: `first [w1 w2 ..]` or `first last w`. `DW` is everybody else's.
fn composite_widths(document: &Document, font: &Dictionary) -> (HashMap<u32, f32>, f32) {
    let descendant = font.get_deref(b"DescendantFonts", document).and_then(Object::as_array).ok();
    let descendant = descendant.and_then(|fonts| document.dereference(fonts.first()?).ok()?.1.as_dict().ok());
    let Some(descendant) = descendant else { return (HashMap::new(), EM) };
    let usual = descendant.get_deref(b"DW", document).and_then(Object::as_float).unwrap_or(EM);
    let listed = descendant.get_deref(b"W", document).and_then(Object::as_array);
    let mut listed = listed.map_or(&[][..], Vec::as_slice);
    let mut widths = HashMap::new();
    while let [first, next, rest @ ..] = listed {
        let Some(first) = number(document, first) else { break };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "codes are small; others name no glyph"
        )]
        let code = |number: f32| number as u32;
        listed = rest;
        let left = MAX_WIDTHS.saturating_sub(widths.len());
        if let Ok((_, Object::Array(each))) = document.dereference(next) {
            let width = |(code, width)| Some((code, number(document, width)?));
            widths.extend((code(first)..).zip(each).take(left).filter_map(width));
        } else if let [width, after @ ..] = rest {
            listed = after;
            let (Some(last), Some(width)) = (number(document, next), number(document, width)) else { break };
            widths.extend((code(first)..=code(last)).take(left).map(|code| (code, width)));
        }
    }
    (widths, usual)
}

fn number(document: &Document, object: &Object) -> Option<f32> {
    document.dereference(object).ok()?.1.as_float().ok().filter(|number| number.is_finite())
}

fn name_of<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a [u8]> {
    dictionary.get_deref(key, document).and_then(Object::as_name).ok()
}
