//! `ToUnicode`: which words the codes of a font stand for (ISO 32000-1, 9.10.3).
//!
//! Read here and not by the library, which writes out every range: one of four billion codes is twenty bytes long.

use std::collections::BTreeMap;

/// Lines of a table: a font of Chinese has some 30,000.
const MAX_LINES: usize = 65_536;
/// What one code may stand for, in UTF-16 units: `ffi` is three.
const LONGEST: usize = 32;

/// Codes to text.
#[derive(Debug, Default)]
pub(super) struct CMap {
    /// By the first code: the last one, and what the first stands for.
    ranges: BTreeMap<u32, (u32, Vec<u16>)>,
    /// Bytes of a code.
    pub(super) width: usize,
}

enum Token<'a> {
    Hex(&'a [u8]),
    Open,
    Close,
    Word(&'a [u8]),
}

impl CMap {
    /// Reads a table; what is not understood in it is passed over.
    pub(super) fn parse(source: &[u8]) -> Self {
        let mut map = Self { width: 1, ..Self::default() };
        let mut codes: Vec<&[u8]> = Vec::new();
        let mut list = None;
        for token in Tokens(source) {
            match token {
                Token::Hex(digits) => codes.push(digits),
                Token::Open => list = Some(codes.len()),
                Token::Close => map.add_list(&mut codes, list.take()),
                Token::Word(word) => {
                    map.take(word, &codes);
                    codes.clear();
                }
            }
            if codes.len() > 3 * MAX_LINES || map.ranges.len() > MAX_LINES {
                break;
            }
        }
        map
    }

    /// What `code` stands for.
    pub(super) fn text(&self, code: u32) -> Option<String> {
        let (first, (last, start)) = self.ranges.range(..=code).next_back()?;
        if code > *last {
            return None;
        }
        let mut units = start.clone();
        let step = u16::try_from(code - first).ok()?;
        let end = units.last_mut()?;
        *end = end.wrapping_add(step);
        Some(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).filter(|&c| c != '\0').collect())
    }

    fn take(&mut self, word: &[u8], codes: &[&[u8]]) {
        match word {
            b"endcodespacerange" => {
                self.width = codes.iter().map(|code| code.len().div_ceil(2)).max().unwrap_or(1).clamp(1, 4);
            }
            b"endbfchar" => codes.chunks_exact(2).for_each(|pair| self.add(pair[0], pair[0], pair[1])),
            b"endbfrange" => codes.chunks_exact(3).for_each(|line| self.add(line[0], line[1], line[2])),
            _ => {}
        }
    }

    /// `<first> <last> [<text> <text> ..]`: the two before the bracket are codes, the others what each stands for.
    fn add_list(&mut self, codes: &mut Vec<&[u8]>, opened: Option<usize>) {
        let Some(opened) = opened.filter(|&opened| opened >= 2) else { return };
        let texts = codes.split_off(opened);
        let first = codes.split_off(opened - 2).first().and_then(|code| code_of(code));
        let Some(first) = first else { return };
        for (code, text) in (first..).zip(texts) {
            self.ranges.insert(code, (code, units(text)));
        }
    }

    fn add(&mut self, first: &[u8], last: &[u8], text: &[u8]) {
        if let (Some(first), Some(last)) = (code_of(first), code_of(last)) {
            self.ranges.insert(first, (last, units(text)));
        }
    }
}

fn code_of(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn units(digits: &[u8]) -> Vec<u16> {
    let digits: Vec<u8> = digits.iter().copied().filter(u8::is_ascii_hexdigit).take(4 * LONGEST).collect();
    let unit = |digits: &[u8]| code_of(digits).and_then(|code| u16::try_from(code).ok());
    digits.chunks(4).filter_map(unit).collect()
}

/// The words and hexadecimal strings of a table.
struct Tokens<'a>(&'a [u8]);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let ends_word = |byte: &u8| byte.is_ascii_whitespace() || b"<>[]".contains(byte);
        self.0 = self.0.trim_ascii_start();
        let (token, length) = match self.0 {
            [] => return None,
            [b'<', b'<', ..] | [b'>', b'>', ..] => (Token::Word(b""), 2),
            [b'<', rest @ ..] => {
                let length = rest.iter().position(|&byte| byte == b'>')?;
                (Token::Hex(&rest[..length]), length + 2)
            }
            [b'[', ..] => (Token::Open, 1),
            [b']', ..] => (Token::Close, 1),
            [_, rest @ ..] => {
                let length = 1 + rest.iter().position(ends_word).unwrap_or(rest.len());
                (Token::Word(&self.0[..length]), length)
            }
        };
        self.0 = &self.0[length..];
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_ranges_and_lists_are_known() {
        let map = CMap::parse(
            b"/CIDInit /ProcSet findresource begin << /Registry (Adobe) >> def 1 begincodespacerange\n<0000> <ffff>\n\
              endcodespacerange 2 beginbfchar <0001> <0041> <0002> <00660066 0069> endbfchar\n\
              2 beginbfrange <0010> <0019> <0030> <0020> <0021> [<0078> <D83DDE00>] endbfrange",
        );
        let text = |code| map.text(code).unwrap_or_default();
        assert_eq!(map.width, 2);
        assert_eq!(
            (text(1).as_str(), text(0x12).as_str(), text(0x20).as_str(), text(0x21).as_str()),
            ("A", "2", "x", "😀")
        );
        assert_eq!((map.text(0x1a), map.text(0)), (None, None));
    }

    #[test]
    fn a_range_of_all_codes_costs_nothing() {
        let map = CMap::parse(b"1 beginbfrange <00000000> <ffffffff> <0041> endbfrange");
        assert_eq!((map.text(1).as_deref(), map.text(u32::MAX)), (Some("B"), None));
    }

    #[test]
    fn a_table_that_is_cut_is_read_as_far_as_it_goes() {
        let map = CMap::parse(b"1 beginbfchar <01> <0041> endbfchar 1 beginbfchar <02> <00");
        assert_eq!((map.text(1).as_deref(), map.text(2)), (Some("A"), None));
    }
}
