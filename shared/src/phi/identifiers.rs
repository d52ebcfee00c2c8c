//! Numbers that only the words around them explain: member, claim, group, record, account. No check digit exists, so
//! the nearest word decides.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use super::checksums::{self as check, digits};
use super::context::{Cues, Meaning};
use super::hit::Hit;
use super::kind::Kind;
use super::patterns::is_hotline;

/// The numbers among `bytes` that a word explains.
pub(super) fn find(bytes: &[u8], cues: &Cues<'_>) -> Vec<Hit> {
    let tokens = TOKEN.iter().flat_map(|token| token.find_iter(bytes)).map(|found| found.range());
    let spaced = SPACED.iter().flat_map(|spaced| spaced.find_iter(bytes)).map(|found| found.range());
    tokens.chain(spaced).filter_map(|range| judge(bytes, range, cues)).collect()
}

fn judge(bytes: &[u8], range: Range<usize>, cues: &Cues<'_>) -> Option<Hit> {
    let value = &bytes[range.clone()];
    if digits(value).count() < 3 || is_quantity(bytes, &range) {
        return None;
    }
    let Some(Meaning::Id(said)) = cues.of_number(&range) else {
        return None;
    };
    let kind = if said == Kind::Ssn && is_last_four(bytes, &range) { said } else { fits(said, value)? };
    Some(Hit { kind, range, score: 0.75, rule: "PHI-X1" })
}

/// "the last four of my SSN are 1234".
fn is_last_four(bytes: &[u8], range: &Range<usize>) -> bool {
    let before = bytes[range.start.saturating_sub(40)..range.start].to_ascii_lowercase();
    let says_last =
        [b"last".as_slice(), b"ultim"].iter().any(|word| before.windows(word.len()).any(|window| window == *word));
    range.len() == 4 && bytes[range.clone()].iter().all(u8::is_ascii_digit) && says_last
}

/// Whether a value of this shape can be what the word says; the kind it then is.
fn fits(said: Kind, value: &[u8]) -> Option<Kind> {
    let count = digits(value).count();
    let only_digits = !value.iter().any(u8::is_ascii_alphabetic);
    let fits = match said {
        Kind::Ssn => only_digits && count == 9,
        Kind::Npi => check::npi(value),
        Kind::Dea => check::dea(value),
        Kind::Routing => only_digits && check::routing(value),
        Kind::Zip => only_digits && (value.len() == 5 || (value.len() == 10 && value[5] == b'-')),
        Kind::Phone => only_digits && (7..=15).contains(&count) && !is_hotline(value),
        Kind::Card if only_digits => return (12..=19).contains(&count).then_some(Kind::Card),
        Kind::Card => return fits(Kind::Member, value),
        Kind::Group => value.len() >= 4 && is_code(value),
        _ => value.len() >= 5 && is_code(value),
    };
    fits.then_some(said)
}

/// A code of letters and digits that is no form number ("1095-A"), no month ("2013-March") and no time of day.
fn is_code(value: &[u8]) -> bool {
    let form = value
        .iter()
        .position(|byte| *byte == b'-')
        .is_some_and(|dash| dash == 4 && value[dash + 1..].iter().all(u8::is_ascii_alphabetic));
    let agency = value.len() > 3 && value[..3].eq_ignore_ascii_case(b"CMS");
    !form && !agency && value.iter().filter(|byte| **byte == b'/').count() < 2
}

/// Money, percentages, doses and counts of something.
fn is_quantity(bytes: &[u8], range: &Range<usize>) -> bool {
    let before = range.start.checked_sub(1).map(|place| bytes[place]);
    let after = &bytes[range.end..];
    let unit = after.trim_ascii_start();
    matches!(before, Some(b'$' | b'.' | b'@' | b'_' | b'/'))
        || [b"%".as_slice(), b"mg", b"mcg", b"ml", b"days", b"dias", b"dollars", b"dolares", b"USD"]
            .iter()
            .any(|word| unit.starts_with(word))
        || (after.first() == Some(&b',') && after.get(1).is_some_and(u8::is_ascii_digit))
}

static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    RegexBuilder::new(r"\b[A-Za-z0-9]{1,20}(?:[-/][A-Za-z0-9]{1,20}){0,4}\b").unicode(false).build().ok()
});

static SPACED: LazyLock<Option<Regex>> =
    LazyLock::new(|| RegexBuilder::new(r"\+?\(?\b\d(?:[ ().-]{0,2}\d){6,18}\b").unicode(false).build().ok());
