//! The operators of a page, as far as they place text (ISO 32000-1, 9.4).

mod images;
mod matrix;

use std::{collections::HashMap, rc::Rc};

use lopdf::{
    Dictionary, Document, Object, Stream,
    content::{Content, Operation},
};
use matrix::Matrix;

use super::{Budget, MAX_STREAM, font::Font};
use crate::extract::ExtractError;

/// Forms in forms. Real ones have two or three levels.
const MAX_FORMS: usize = 8;
/// Saved states: the limit that the standard names for readers is 28.
const MAX_STATES: usize = 256;
/// Pieces of text of a document: one for each letter of a thousand full pages.
const MAX_PIECES: usize = 4_000_000;
/// Bytes of text of a document. A table may write a word for each code, and so much more than the pages hold.
const MAX_TEXT: usize = 32 << 20;

/// A piece of text as it stands on a page, in points, seen in the direction that it is read in.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub text: String,
    /// Where it starts and ends along its line.
    pub start: f32,
    pub end: f32,
    /// How high its line stands.
    pub height: f32,
    /// The size of its letters.
    pub size: f32,
    /// The line's direction, in quarters of a turn.
    pub turn: u8,
}

/// Reads the pages of a document.
pub(super) struct Reader<'a> {
    document: &'a Document,
    budget: Budget,
    fonts: HashMap<*const Dictionary, Rc<Font>>,
    pieces: usize,
    text: usize,
}

/// One content stream under way.
struct Walk<'a> {
    resources: Option<&'a Dictionary>,
    state: State,
    saved: Vec<State>,
    /// Where the next letter and the present line stand.
    text: Matrix,
    line: Matrix,
    forms: usize,
}

#[derive(Clone)]
struct State {
    page: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    leading: f32,
    letter_space: f32,
    word_space: f32,
    stretch: f32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, budget: Budget::new(), fonts: HashMap::new(), pieces: 0, text: 0 }
    }

    /// The text of a page, in the order in which it is drawn.
    pub(super) fn page(
        &mut self,
        contents: Vec<&'a Stream>,
        resources: Option<&'a Dictionary>,
    ) -> Result<Vec<Piece>, ExtractError> {
        let mut operators = Vec::new();
        for stream in contents {
            operators.extend(self.budget.inflated(stream)?);
            operators.push(b'\n');
            if operators.len() > MAX_STREAM {
                return Err(ExtractError::Bomb);
            }
        }
        let mut pieces = Vec::new();
        self.walk(&operators, Walk::new(resources, State::new(), 0), &mut pieces)?;
        Ok(pieces)
    }

    fn walk(&mut self, operators: &[u8], mut walk: Walk<'a>, pieces: &mut Vec<Piece>) -> Result<(), ExtractError> {
        let operators = images::without(operators);
        for operation in Content::decode_iter(&operators) {
            let operation = operation.map_err(|_| ExtractError::Corrupt)?;
            self.perform(&mut walk, &operation, pieces)?;
        }
        Ok(())
    }

    fn perform(
        &mut self,
        walk: &mut Walk<'a>,
        operation: &Operation,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), ExtractError> {
        let operands = &operation.operands;
        match operation.operator.as_str() {
            "Tf" => self.set_font(walk, operands)?,
            "Do" => self.form(walk, operands, pieces)?,
            "Tj" => self.show(walk, operands.first(), pieces)?,
            "'" => {
                walk.next_line();
                self.show(walk, operands.first(), pieces)?;
            }
            "\"" => {
                walk.state.word_space = number(operands, 0);
                walk.state.letter_space = number(operands, 1);
                walk.next_line();
                self.show(walk, operands.get(2), pieces)?;
            }
            "TJ" => {
                for part in operands.first().and_then(|parts| parts.as_array().ok()).map_or(&[][..], Vec::as_slice) {
                    match part.as_float() {
                        Ok(back) => walk.advance(-back / 1000.0 * walk.state.size * walk.state.stretch),
                        Err(_) => self.show(walk, Some(part), pieces)?,
                    }
                }
            }
            operator => walk.set(operator, operands),
        }
        Ok(())
    }

    fn set_font(&mut self, walk: &mut Walk<'a>, operands: &[Object]) -> Result<(), ExtractError> {
        walk.state.size = number(operands, 1);
        walk.state.font = match self.resource(walk.resources, b"Font", operands).map(Object::as_dict) {
            Some(Ok(font)) => Some(self.font(font)?),
            _ => None,
        };
        Ok(())
    }

    fn font(&mut self, font: &'a Dictionary) -> Result<Rc<Font>, ExtractError> {
        let key = std::ptr::from_ref(font);
        if let Some(known) = self.fonts.get(&key) {
            return Ok(Rc::clone(known));
        }
        let font = Rc::new(Font::of(self.document, font, &mut self.budget)?);
        self.budget.spend(font.size())?;
        self.fonts.insert(key, Rc::clone(&font));
        Ok(font)
    }

    /// A form is read where it is drawn. Each time is paid for, so that ten forms of ten forms end somewhere.
    fn form(&mut self, walk: &Walk<'a>, operands: &[Object], pieces: &mut Vec<Piece>) -> Result<(), ExtractError> {
        let form = self.resource(walk.resources, b"XObject", operands).and_then(|object| object.as_stream().ok());
        let Some(form) =
            form.filter(|form| form.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|it| it == b"Form"))
        else {
            return Ok(());
        };
        if walk.forms >= MAX_FORMS {
            return Ok(());
        }
        let operators = self.budget.inflated(form)?;
        let own = form.dict.get_deref(b"Resources", self.document).and_then(Object::as_dict).ok();
        let mut state = walk.state.clone();
        if let Ok(matrix) = form.dict.get_deref(b"Matrix", self.document).and_then(Object::as_array) {
            state.page = Matrix::of(matrix).then(&state.page);
        }
        self.walk(&operators, Walk::new(own.or(walk.resources), state, walk.forms + 1), pieces)
    }

    fn resource(&self, resources: Option<&'a Dictionary>, kind: &[u8], operands: &[Object]) -> Option<&'a Object> {
        let name = operands.first()?.as_name().ok()?;
        let of_kind = resources?.get_deref(kind, self.document).and_then(Object::as_dict).ok()?;
        of_kind.get_deref(name, self.document).ok()
    }

    fn show(
        &mut self,
        walk: &mut Walk<'a>,
        string: Option<&Object>,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), ExtractError> {
        let (Some(Ok(string)), Some(font)) = (string.map(Object::as_str), walk.state.font.clone()) else {
            return Ok(());
        };
        let from = walk.place();
        let (mut text, mut length) = (String::new(), 0.0);
        for glyph in font.glyphs(string) {
            let word_space = if glyph.is_space { walk.state.word_space } else { 0.0 };
            length += glyph.advance * walk.state.size + walk.state.letter_space + word_space;
            text.push_str(glyph.text.as_deref().unwrap_or("\u{fffd}"));
        }
        walk.advance(length * walk.state.stretch);
        self.text += text.len();
        if let Some(piece) = from.piece(text, &walk.place(), walk.state.size) {
            pieces.push(piece);
            self.pieces += 1;
        }
        if self.pieces > MAX_PIECES || self.text > MAX_TEXT { Err(ExtractError::Bomb) } else { Ok(()) }
    }
}

impl<'a> Walk<'a> {
    fn new(resources: Option<&'a Dictionary>, state: State, forms: usize) -> Self {
        Self { resources, state, saved: Vec::new(), text: Matrix::ONE, line: Matrix::ONE, forms }
    }

    /// The operators that only change where and how text will stand.
    fn set(&mut self, operator: &str, operands: &[Object]) {
        match operator {
            "q" if self.saved.len() < MAX_STATES => self.saved.push(self.state.clone()),
            "Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            "cm" => self.state.page = Matrix::of(operands).then(&self.state.page),
            "BT" => (self.text, self.line) = (Matrix::ONE, Matrix::ONE),
            "Tm" => {
                self.line = Matrix::of(operands);
                self.text = self.line;
            }
            "Td" => self.move_line(number(operands, 0), number(operands, 1)),
            "TD" => {
                self.state.leading = -number(operands, 1);
                self.move_line(number(operands, 0), number(operands, 1));
            }
            "T*" => self.next_line(),
            "TL" => self.state.leading = number(operands, 0),
            "Tc" => self.state.letter_space = number(operands, 0),
            "Tw" => self.state.word_space = number(operands, 0),
            "Tz" => self.state.stretch = number(operands, 0) / 100.0,
            _ => {}
        }
    }

    fn move_line(&mut self, x: f32, y: f32) {
        self.line = Matrix::shift(x, y).then(&self.line);
        self.text = self.line;
    }

    fn next_line(&mut self) {
        self.move_line(0.0, -self.state.leading);
    }

    fn advance(&mut self, length: f32) {
        self.text = Matrix::shift(length, 0.0).then(&self.text);
    }

    fn place(&self) -> Matrix {
        self.text.then(&self.state.page)
    }
}

impl State {
    fn new() -> Self {
        Self {
            page: Matrix::ONE,
            font: None,
            size: 0.0,
            leading: 0.0,
            letter_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
        }
    }
}

fn number(operands: &[Object], at: usize) -> f32 {
    operands.get(at).and_then(|operand| operand.as_float().ok()).unwrap_or(0.0)
}
