//! Letters of other scripts that look like Latin ones: the part of Unicode's confusables (UTS #39) that disguises
//! are made of. Folding is for recognition only; the text itself is never changed by it.

/// The Latin letter that `letter` looks like, in lower case.
pub fn latin_twin(letter: char) -> Option<char> {
    let index = TWINS.binary_search_by_key(&letter, |(twin, _)| *twin).ok()?;
    Some(TWINS[index].1)
}

/// What a digit or sign stands for inside a word: "1gn0re".
pub const fn leet_letter(sign: char) -> Option<char> {
    Some(match sign {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => return None,
    })
}

/// Sorted by code point.
const TWINS: [(char, char); 83] = [
    ('ı', 'i'),
    ('ŀ', 'l'),
    ('ƒ', 'f'),
    ('ɑ', 'a'),
    ('ɡ', 'g'),
    ('ɩ', 'i'),
    ('ɪ', 'i'),
    ('ʀ', 'r'),
    ('ʏ', 'y'),
    ('Α', 'a'),
    ('Β', 'b'),
    ('Ε', 'e'),
    ('Ζ', 'z'),
    ('Η', 'h'),
    ('Ι', 'i'),
    ('Κ', 'k'),
    ('Μ', 'm'),
    ('Ν', 'n'),
    ('Ο', 'o'),
    ('Ρ', 'p'),
    ('Τ', 't'),
    ('Υ', 'y'),
    ('Χ', 'x'),
    ('α', 'a'),
    ('γ', 'y'),
    ('ε', 'e'),
    ('η', 'n'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('σ', 'o'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
    ('ϲ', 'c'),
    ('ϳ', 'j'),
    ('Ѕ', 's'),
    ('І', 'i'),
    ('Ї', 'i'),
    ('Ј', 'j'),
    ('А', 'a'),
    ('В', 'b'),
    ('Е', 'e'),
    ('К', 'k'),
    ('М', 'm'),
    ('Н', 'h'),
    ('О', 'o'),
    ('Р', 'p'),
    ('С', 'c'),
    ('Т', 't'),
    ('У', 'y'),
    ('Х', 'x'),
    ('а', 'a'),
    ('г', 'r'),
    ('е', 'e'),
    ('к', 'k'),
    ('м', 'm'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('т', 't'),
    ('у', 'y'),
    ('х', 'x'),
    ('ѕ', 's'),
    ('і', 'i'),
    ('ї', 'i'),
    ('ј', 'j'),
    ('ѵ', 'v'),
    ('ҏ', 'p'),
    ('һ', 'h'),
    ('Ӏ', 'l'),
    ('ӏ', 'l'),
    ('ԁ', 'd'),
    ('ԛ', 'q'),
    ('ԝ', 'w'),
    ('Տ', 's'),
    ('ս', 'u'),
    ('օ', 'o'),
    ('ᴄ', 'c'),
    ('ᴏ', 'o'),
    ('ꓲ', 'i'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(TWINS.is_sorted_by_key(|(twin, _)| *twin));
    }

    #[test]
    fn cyrillic_reads_as_latin() {
        let read: String = "іgnоrе".chars().map(|letter| latin_twin(letter).unwrap_or(letter)).collect();
        assert_eq!(read, "ignore");
    }
}
