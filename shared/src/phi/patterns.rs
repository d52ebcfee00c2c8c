//! Values that can be told by their shape, most of them by a check digit too.
//!
//! All patterns are ASCII byte patterns behind one `RegexSet`: the set says in one pass which few of them are worth
//! running.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::address;
use super::checksums as check;
use super::hit::Hit;
use super::kind::Kind;
use super::secrets;

/// One shape. Group 1, where there is one, is the value; the rest of the match is its surroundings.
pub(super) struct Rule {
    /// Stable name, shown in findings.
    pub(super) id: &'static str,
    /// What a match is.
    pub(super) kind: Kind,
    /// Byte pattern; case-sensitive unless it says `(?i)`.
    pub(super) pattern: &'static str,
    /// How sure a match is.
    pub(super) score: f32,
    /// Looks at the whole view and the match: check digits, surroundings.
    pub(super) accept: fn(&[u8], Range<usize>) -> bool,
}

/// The values of known shape among `bytes`.
pub(super) fn find(bytes: &[u8]) -> Vec<Hit> {
    let Some(matcher) = MATCHER.as_ref() else {
        return Vec::new();
    };
    matcher.set.matches(bytes).into_iter().flat_map(|index| matcher.run(index, bytes)).collect()
}

struct Matcher {
    set: RegexSet,
    regexes: Vec<Regex>,
}

impl Matcher {
    fn build() -> Option<Self> {
        let patterns = || rules().map(|rule| rule.pattern);
        let set = RegexSetBuilder::new(patterns()).unicode(false).build().ok()?;
        let regexes =
            patterns().map(|pattern| RegexBuilder::new(pattern).unicode(false).build().ok()).collect::<Option<_>>()?;
        Some(Self { set, regexes })
    }

    fn run<'a>(&'a self, index: usize, bytes: &'a [u8]) -> impl Iterator<Item = Hit> + 'a {
        let rule = rules().nth(index);
        self.regexes[index].captures_iter(bytes).filter_map(move |captures| {
            let rule = rule?;
            let range = captures.get(1).or_else(|| captures.get(0))?.range();
            (rule.accept)(bytes, range.clone()).then_some(Hit {
                kind: rule.kind,
                range,
                score: rule.score,
                rule: rule.id,
            })
        })
    }
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    SHAPES.iter().chain(address::RULES).chain(secrets::RULES)
}

static MATCHER: LazyLock<Option<Matcher>> = LazyLock::new(Matcher::build);

const SHAPES: &[Rule] = &[
    Rule {
        id: "PHI-G1",
        kind: Kind::Ssn,
        pattern: r"\b\d{3}[- .]\d{2}[- .]\d{4}\b",
        score: 0.9,
        accept: |b, r| whole(b, &r) && one_delimiter(&b[r.clone()]) && check::ssn(&b[r]),
    },
    Rule {
        id: "PHI-G2",
        kind: Kind::Itin,
        pattern: r"\b9\d{2}[- ]\d{2}[- ]\d{4}\b",
        score: 0.9,
        accept: |b, r| whole(b, &r) && check::itin(&b[r]),
    },
    Rule {
        id: "PHI-I1",
        kind: Kind::Mbi,
        pattern: r"(?i)\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d[- ]?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d[- ]?[AC-HJKMNP-RT-Y]{2}\d{2}\b",
        score: 0.97,
        accept: any,
    },
    Rule {
        id: "PHI-K1",
        kind: Kind::Dea,
        pattern: r"\b[A-HJ-MPR-UX][A-Z9]\d{7}\b",
        score: 0.7,
        accept: |b, r| check::dea(&b[r]),
    },
    Rule {
        id: "PHI-J1",
        kind: Kind::Card,
        pattern: r"\b[1-6]\d(?:[ -]?\d){11,17}\b",
        score: 0.92,
        accept: |b, r| whole(b, &r) && check::card(&b[r]),
    },
    Rule {
        id: "PHI-J2",
        kind: Kind::Iban,
        pattern: r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        score: 0.95,
        accept: |b, r| check::iban(&b[r]),
    },
    Rule {
        id: "PHI-L1",
        kind: Kind::Vin,
        pattern: r"\b[A-HJ-NPR-Z0-9]{17}\b",
        score: 0.85,
        accept: |b, r| check::vin(&b[r]),
    },
    Rule {
        id: "PHI-D1",
        kind: Kind::Phone,
        pattern: r"(?:(?:\+|\b00|\b)1[-. ]{0,2})?(?:\([2-9]\d{2}\)[-. ]{0,2}|\b[2-9]\d{2}[-. ]{1,2})[2-9]\d{2}[-. ]\d{4}\b(?: ?(?:x|ext\.?) ?\d{1,6}\b)?",
        score: 0.88,
        accept: personal_phone,
    },
    Rule {
        id: "PHI-D2",
        kind: Kind::Phone,
        pattern: r"\+\d{1,3}[-. ]{0,2}(?:\(\d{1,4}\)[-. ]?)?\d(?:[-. ]?\d){5,12}\b",
        score: 0.85,
        accept: personal_phone,
    },
    Rule {
        id: "PHI-F1",
        kind: Kind::Email,
        pattern: r"[A-Za-z0-9._%+\x80-\xFF'-]+@(?:[A-Za-z0-9\x80-\xFF-]+\.){1,5}[A-Za-z]{2,24}\b",
        score: 0.97,
        accept: |b, r| !is_government(&b[r]),
    },
    Rule {
        id: "PHI-F2",
        kind: Kind::Email,
        pattern: r"(?i)\b[a-z0-9._+-]+ ?[\[({] ?at ?[\])}] ?[a-z0-9-]+(?: ?(?:[\[({] ?dot ?[\])}]|\.) ?[a-z0-9-]{2,24}){1,4}\b",
        score: 0.9,
        accept: any,
    },
    Rule {
        id: "PHI-F3",
        kind: Kind::Email,
        pattern: r"(?i)\b(?:[a-z0-9_+-]+ dot )*[a-z0-9._+-]{2,} at [a-z0-9-]{2,} dot (?:com|org|net|edu|io|us|co|es|mx|fr|br)\b",
        score: 0.85,
        accept: any,
    },
    Rule {
        id: "PHI-N1",
        kind: Kind::Url,
        pattern: r#"(?i)\bhttps?://[^\s<>"'\)\]\x00-\x1F]{4,}"#,
        score: 0.7,
        accept: personal_page,
    },
    Rule {
        id: "PHI-O1",
        kind: Kind::Ip,
        pattern: r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
        score: 0.85,
        accept: |b, r| whole(b, &r) && check::ip(&b[r]),
    },
    Rule {
        id: "PHI-O2",
        kind: Kind::Ip,
        pattern: r"(?i)\b[0-9a-f]{1,4}:[0-9a-f:]{1,34}[0-9a-f]\b",
        score: 0.85,
        accept: |b, r| check::ip(&b[r]),
    },
    Rule {
        id: "PHI-M1",
        kind: Kind::Mac,
        pattern: r"(?i)\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b",
        score: 0.9,
        accept: any,
    },
    Rule {
        id: "PHI-C3",
        kind: Kind::Age,
        pattern: r"(?i)\b((?:9\d|1[0-2]\d)(?:[ -]?years?[ -]olds?|[ -]?yrs?[ -]old| ?yo| ?y/o| anos| ans| tuoi| lane)?)\b",
        score: 0.8,
        accept: is_age,
    },
    Rule {
        id: "PHI-C4",
        kind: Kind::Age,
        pattern: r"((?:9\d|1[0-2]\d)) ?(?:\xE5\xB2\x81|\xE6\xAD\xB2|\xEC\x84\xB8)",
        score: 0.9,
        accept: any,
    },
];

fn any(_: &[u8], _: Range<usize>) -> bool {
    true
}

/// Not a piece of a longer number: neither side goes on with a joiner and a digit.
fn whole(bytes: &[u8], range: &Range<usize>) -> bool {
    let goes_on = |joiner: Option<&u8>, digit: Option<&u8>| {
        joiner.is_some_and(|byte| b"-.".contains(byte)) && digit.is_some_and(u8::is_ascii_digit)
    };
    let at = |back: usize| range.start.checked_sub(back).and_then(|place| bytes.get(place));
    !goes_on(at(1), at(2)) && !goes_on(bytes.get(range.end), bytes.get(range.end + 1)) && at(1) != Some(&b'$')
}

fn one_delimiter(value: &[u8]) -> bool {
    value.get(3) == value.get(6)
}

/// Toll-free and premium lines belong to companies and agencies, not to patients.
fn personal_phone(bytes: &[u8], range: Range<usize>) -> bool {
    !is_hotline(&bytes[range.clone()]) && whole(bytes, &range)
}

/// Whether the digits are a toll-free or premium number of the North American plan.
pub fn is_hotline(number: &[u8]) -> bool {
    let digits: Vec<u8> = number.iter().copied().filter(u8::is_ascii_digit).collect();
    let first = digits.strip_prefix(b"1").unwrap_or(&digits);
    let last = &digits[digits.len().saturating_sub(10)..];
    digits.len() >= 10
        && [b"800", b"833", b"844", b"855", b"866", b"877", b"888", b"900"]
            .iter()
            .any(|area| first.starts_with(*area) || last.starts_with(*area))
}

fn is_government(address: &[u8]) -> bool {
    let lower = address.to_ascii_lowercase();
    [b".gov".as_slice(), b".mil"].iter().any(|suffix| lower.ends_with(suffix))
}

/// A page that is likely one person's: a single path segment that reads like a user name, or one that says so.
/// Articles have longer paths or hyphens; the sites of agencies and schools are public.
fn personal_page(bytes: &[u8], range: Range<usize>) -> bool {
    let url = String::from_utf8_lossy(&bytes[range]).to_ascii_lowercase();
    let rest = url.split_once("://").map_or("", |(_, rest)| rest).trim_end_matches(['.', ',', ';', '?', '!']);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let public = [".gov", ".mil", ".edu"].iter().any(|suffix| host.ends_with(suffix));
    let says_so = ["/user", "/profile", "/account", "/member", "/patient", "/u/", "/~", "/@"]
        .iter()
        .any(|part| rest.contains(part));
    let handle = !path.is_empty()
        && path.trim_end_matches('/').bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte));
    host.contains('@') || (!public && (says_so || (handle && !path.contains(".htm"))))
}

/// A number is an age when it says so, or when a word before it does; "90 days" and "100 %" are none.
fn is_age(bytes: &[u8], range: Range<usize>) -> bool {
    let value = &bytes[range.clone()];
    let unit = value
        .trim_ascii_start()
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .map_or(&[][..], |place| &value[place..]);
    let has_old =
        [b"old".as_slice(), b"olds", b"yo", b"y/o"].iter().any(|old| unit.to_ascii_lowercase().ends_with(old));
    let before = bytes[range.start.saturating_sub(12)..range.start].to_ascii_lowercase();
    let says = |words: &[&[u8]]| words.iter().any(|word| before.ends_with(word));
    has_old || says(&AGE_WORDS) || (!unit.is_empty() && says(&HAVING))
}

const AGE_WORDS: [&[u8]; 9] =
    [b"aged ", b"age ", b"age: ", b"age of ", b"edad: ", b"edad de ", b"turned ", b"turns ", b"turning "];
const HAVING: [&[u8]; 4] = [b"tiene ", b"tengo ", b"cumplio ", b"cumple "];
