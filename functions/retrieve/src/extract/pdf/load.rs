//! A file to objects, within bounds. The library bounds one stream and the depth of nesting; what it does not bound is
//! bounded here, while it loads: how often it is sent back to the same bytes, and what all objects take up together.

use std::{cell::Cell, panic::resume_unwind};

use lopdf::{DecompressError, Document, Error, LoadOptions, Object, ObjectId};

use super::MAX_STREAM;
use crate::extract::ExtractError;

/// Where the first line stands, at the latest: some files have a letterhead of other bytes before it.
const HEADER_WITHIN: usize = 1024;
/// Numbers, names, strings and brackets of a file. Each takes up to 240 bytes of memory once it is an object, and those
/// of pictures are not objects: a file of 32 MB full of pictures has some two million.
const MAX_TOKENS: usize = 4_000_000;
/// Objects of a file: a thousand pages have some 50,000.
const MAX_OBJECTS: usize = 500_000;
/// What streams that hold other objects may inflate to together: 100,000 objects in 10 MB.
const MAX_OBJECT_STREAMS: usize = 16 << 20;

/// What the load under way has taken. The library's filter is a plain function, so it cannot hold it itself.
#[derive(Clone, Copy)]
struct Taken {
    /// Bytes of the file.
    file: usize,
    objects: usize,
    /// Values in them.
    values: usize,
    /// Bytes of their streams, as they are in the file.
    streams: usize,
    /// Bytes and tokens of the streams that hold objects.
    inflated: usize,
    packed: usize,
}

thread_local! {
    static TAKEN: Cell<Taken> = const { Cell::new(Taken::nothing(0)) };
}

/// Loads a file that is what it says it is. Unwinds with an [`ExtractError`] when it goes out of bounds.
pub(super) fn load(bytes: &[u8]) -> Result<Document, ExtractError> {
    let head = &bytes[..bytes.len().min(HEADER_WITHIN)];
    if !head.windows(5).any(|window| window == b"%PDF-") {
        return Err(ExtractError::Corrupt);
    }
    // Looked for in the bytes: the library would begin to decrypt, and is not counted while it does.
    if has_name(bytes, b"Encrypt") {
        return Err(ExtractError::Encrypted);
    }
    if tokens(bytes) > MAX_TOKENS {
        return Err(ExtractError::Bomb);
    }
    let document = attempt(bytes, false)?;
    // A file that lost a few bytes has its pages elsewhere than its table says.
    if document.page_iter().next().is_some() { Ok(document) } else { attempt(bytes, true) }
}

/// The library's error by what is wrong with the file.
pub(super) fn named(error: &Error) -> ExtractError {
    match error {
        Error::Decompress(DecompressError::MemoryLimitExceeded { .. } | DecompressError::TooManyFilters { .. }) => {
            ExtractError::Bomb
        }
        _ => ExtractError::Corrupt,
    }
}

fn attempt(bytes: &[u8], rebuild: bool) -> Result<Document, ExtractError> {
    TAKEN.set(Taken::nothing(bytes.len()));
    let options = LoadOptions {
        filter: Some(admitted),
        max_decompressed_size: Some(MAX_STREAM),
        force_reconstruct: rebuild,
        ..LoadOptions::default()
    };
    Document::load_mem_with_options(bytes, options).map_err(|error| named(&error))
}

/// Counts each object as it is read. Unwinding is the way to stop a load in the middle.
fn admitted(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    let mut taken = TAKEN.get();
    taken.add(object);
    TAKEN.set(taken);
    if !taken.is_within_bounds() {
        resume_unwind(Box::new(ExtractError::Bomb));
    }
    let Object::Stream(stream) = object else { return Some((id, object.clone())) };
    // Pictures are most of a file, and not read.
    if stream.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Image") {
        stream.content = Vec::new();
    }
    // The library keeps a stream where it is, and asks only whether there is one.
    Some((id, Object::Null))
}

impl Taken {
    const fn nothing(file: usize) -> Self {
        Self { file, objects: 0, values: 0, streams: 0, inflated: 0, packed: 0 }
    }

    fn add(&mut self, object: &Object) {
        self.objects += 1;
        self.values += values(object);
        let Object::Stream(stream) = object else { return };
        self.streams += stream.content.len();
        if stream.dict.has_type(b"ObjStm")
            && let Ok(members) = stream.get_plain_content_with_limit(MAX_STREAM)
        {
            self.inflated += members.len();
            self.packed += tokens(&members);
        }
    }

    /// A file whose streams are longer than the file sends the library to the same bytes again and again.
    fn is_within_bounds(&self) -> bool {
        self.objects <= MAX_OBJECTS
            && self.values.max(self.packed) <= MAX_TOKENS
            && self.streams <= self.file
            && self.inflated <= MAX_OBJECT_STREAMS
    }
}

/// How many values `object` is made of. The library bounds how deep they are nested.
fn values(object: &Object) -> usize {
    match object {
        Object::Array(array) => 1 + array.iter().map(values).sum::<usize>(),
        Object::Dictionary(dictionary) => 1 + dictionary.iter().map(|(_, value)| values(value)).sum::<usize>(),
        Object::Stream(stream) => 1 + stream.dict.iter().map(|(_, value)| values(value)).sum::<usize>(),
        _ => 1,
    }
}

/// Where a number, a name, a string or a bracket may start: at every delimiter, and after every white space.
fn tokens(bytes: &[u8]) -> usize {
    let mut apart = true;
    let starts = bytes.iter().filter(|&&byte| {
        let space = is_space(byte);
        let starts = is_delimiter(byte) || (apart && !space);
        apart = space;
        starts
    });
    starts.count()
}

/// Whether `name` stands in the file, some of its letters as their numbers perhaps (`/Encr#79pt`).
fn has_name(bytes: &[u8], name: &[u8]) -> bool {
    bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'/').any(|(at, _)| is_name(&bytes[at + 1..], name))
}

fn is_name(mut bytes: &[u8], name: &[u8]) -> bool {
    for expected in name {
        let (letter, rest) = match bytes {
            [b'#', high, low, rest @ ..] => (number(*high, *low), rest),
            [letter, rest @ ..] => (Some(*letter), rest),
            [] => return false,
        };
        if letter != Some(*expected) {
            return false;
        }
        bytes = rest;
    }
    bytes.first().is_none_or(|&next| is_space(next) || is_delimiter(next))
}

fn number(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}
