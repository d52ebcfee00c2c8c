//! Dates. A birthday is always masked; any other full date is masked whole in what a patient writes, the year with
//! it, because the restored answer carries it again and half a date helps nobody. Years, durations and deadlines
//! ("within 60 days") are left.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex, RegexBuilder};

use super::context::{Cues, Meaning};
use super::hit::Hit;
use super::kind::Kind;

/// The dates among `bytes`.
pub(super) fn find(bytes: &[u8], cues: &Cues<'_>) -> Vec<Hit> {
    FORMS.iter().flat_map(|form| form.find(bytes, cues)).collect()
}

/// One way of writing a date: which group holds what.
struct Form {
    regex: Regex,
    /// Whether a word must say that it is a date: "3/30" may be a fraction.
    needs_cue: bool,
    valid: fn(&Captures<'_>) -> bool,
}

impl Form {
    fn find<'a>(&'a self, bytes: &'a [u8], cues: &'a Cues<'_>) -> impl Iterator<Item = Hit> + 'a {
        self.regex.captures_iter(bytes).filter(|captures| (self.valid)(captures)).filter_map(|captures| {
            let range = captures.get(0)?.range();
            stands_alone(bytes, &range).then(|| self.judge(range, cues))?
        })
    }

    fn judge(&self, range: Range<usize>, cues: &Cues<'_>) -> Option<Hit> {
        match cues.of_date(&range) {
            Some(Meaning::Birth) => Some(Hit { kind: Kind::Birth, range, score: 0.95, rule: "PHI-C1" }),
            None if self.needs_cue => None,
            _ => Some(Hit { kind: Kind::Date, range, score: 0.8, rule: "PHI-C2" }),
        }
    }
}

/// Not a part of a longer number such as 1-2-3-2024.
fn stands_alone(bytes: &[u8], range: &Range<usize>) -> bool {
    let joins = |byte: Option<&u8>, beyond: Option<&u8>| {
        byte.is_some_and(|byte| b"-/.$".contains(byte))
            && (byte == Some(&b'$') || beyond.is_some_and(u8::is_ascii_digit))
    };
    let before = range.start.checked_sub(1).and_then(|place| bytes.get(place));
    let beyond = range.start.checked_sub(2).and_then(|place| bytes.get(place));
    !joins(before, beyond)
        && !joins(bytes.get(range.end), bytes.get(range.end + 1))
        && bytes.get(range.end) != Some(&b'%')
}

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let form = |pattern: String, needs_cue, valid: fn(&Captures<'_>) -> bool| {
        let regex = RegexBuilder::new(&pattern).unicode(false).case_insensitive(true).build().ok()?;
        Some(Form { regex, needs_cue, valid })
    };
    let time = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?";
    let day = r"(\d{1,2})(?:st|nd|rd|th)?";
    let year = r"(?:(?:,|,? del?|,? of)? ((?:19|20)\d{2}))";
    [
        form(format!(r"\b((?:19|20)\d{{2}})[-/.](\d{{1,2}})[-/.](\d{{1,2}})\b{time}"), false, |c| {
            is_day(number(c, 2), number(c, 3))
        }),
        form(format!(r"\b(\d{{1,2}})([-/])(\d{{1,2}})[-/]((?:19|20)?\d{{2}})\b{time}"), false, either_order),
        form(format!(r"\b(\d{{1,2}})(\.)(\d{{1,2}})\.((?:19|20)\d{{2}})\b{time}"), false, either_order),
        form(format!(r"\b{MONTH}\.? {day}{year}\b"), false, |c| is_day(1, number(c, 1))),
        form(format!(r"\b{day}(?: of| de)? {MONTH}\b\.?{year}"), false, |c| is_day(1, number(c, 1))),
        form(format!(r"\b{MONTH}\.? {day}\b"), true, |c| is_day(1, number(c, 1))),
        form(format!(r"\b{day}(?: of| de)? {MONTH}\b"), true, |c| is_day(1, number(c, 1))),
        form(r"\b(\d{1,2})(/)(\d{1,2})\b".to_owned(), true, either_order),
        form(
            r"\d{4} ?\xE5\xB9\xB4 ?(\d{1,2}) ?\xE6\x9C\x88 ?(\d{1,2}) ?(?:\xE6\x97\xA5|\xE5\x8F\xB7)".to_owned(),
            false,
            |c| is_day(number(c, 1), number(c, 2)),
        ),
        form(r"\b(\d{4}) ?\xEB\x85\x84 ?(\d{1,2}) ?\xEC\x9B\x94 ?(\d{1,2}) ?\xEC\x9D\xBC".to_owned(), false, |c| {
            is_day(number(c, 2), number(c, 3))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// Month names of English, Spanish, French and Portuguese, without accents.
const MONTH: &str = "(?:jan(?:uary|vier|eiro)?|feb(?:ruary|rero)?|fev(?:rier|ereiro)?|mar(?:ch|zo|s|co)?|a[pbv]r(?:il)?|may|mayo|mai|maio\
    |june?|junio|juin|junho|july?|julio|juillet|julho|aug(?:ust)?|agosto|aout|sep(?:t(?:ember|iembre|embre)?)?|setembro\
    |oct(?:ober|ubre|obre)?|outubro|nov(?:ember|iembre|embre|embro)?|dec(?:ember|embre)?|dic(?:iembre)?|dezembro|enero|abril)";

fn number(captures: &Captures<'_>, group: usize) -> u32 {
    let text = captures.get(group).and_then(|found| std::str::from_utf8(found.as_bytes()).ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn either_order(captures: &Captures<'_>) -> bool {
    let (first, second) = (number(captures, 1), number(captures, 3));
    is_day(first, second) || is_day(second, first)
}

/// Whether the day exists in the month in some year.
fn is_day(month: u32, day: u32) -> bool {
    const LAST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let last = month.checked_sub(1).and_then(|index| LAST.get(index as usize));
    last.is_some_and(|last| (1..=*last).contains(&day))
}
