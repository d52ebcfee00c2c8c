//! Texts that try to become instructions: overrides, prompt leaks, personas without rules, exfiltration.
//!
//! Each rule is a weak signal with a weight. Within a family the strongest counts, families add up: a jailbreak shows
//! itself by many signals, a question about insurance by one at most.

mod rules;

use std::{ops::Range, sync::LazyLock};

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use shared::contract::sanitize::Direction;

use crate::views::{Reading, ReadingKind};
use rules::{Family, INNOCENT, RULES, Rule};

/// The strongest signal of one family.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// `injection`, `jailbreak` or `exfil`.
    pub kind: &'static str,
    /// Byte range in the original.
    pub range: Range<usize>,
    /// What it adds to the risk, 0 to 1.
    pub weight: f64,
    /// Stable name of the rule.
    pub rule: &'static str,
}

/// What is added when an instruction was disguised as code.
const DISGUISE: f64 = 0.3;

/// A rule is weighed at its first matches only.
const MAX_MATCHES: usize = 16;
/// How far behind a match its object may stand.
const OBJECT: usize = 40;
/// What is left of a signal whose object is a bill or a doctor: little, not nothing, or the word would be a way around.
const INNOCENT_SHARE: f64 = 0.35;

/// The signals in all readings, one for each family.
pub fn find(readings: &[Reading], direction: Direction) -> Vec<Hit> {
    let Some(matcher) = MATCHER.as_ref().filter(|_| direction != Direction::Output) else {
        return Vec::new();
    };
    let mut strongest: Vec<(Family, Hit)> = Vec::new();
    for (family, hit) in readings.iter().flat_map(|reading| matcher.find(reading, direction)) {
        match strongest.iter_mut().find(|(known, _)| *known == family) {
            Some((_, known)) if known.weight >= hit.weight => {}
            Some((_, known)) => *known = hit,
            None => strongest.push((family, hit)),
        }
    }
    strongest.into_iter().map(|(_, hit)| hit).collect()
}

struct Matcher {
    set: RegexSet,
    regexes: Vec<Regex>,
    innocent: Regex,
}

static MATCHER: LazyLock<Option<Matcher>> = LazyLock::new(Matcher::build);

impl Matcher {
    fn build() -> Option<Self> {
        let compile = |pattern: &str| RegexBuilder::new(pattern).unicode(false).build().ok();
        let patterns: Vec<&str> = RULES.iter().map(|rule| rule.pattern).collect();
        let regexes = patterns.iter().map(|pattern| compile(pattern)).collect::<Option<_>>()?;
        let set = RegexSetBuilder::new(&patterns).unicode(false).build().ok()?;
        Some(Self { set, regexes, innocent: compile(INNOCENT)? })
    }

    fn find<'a>(&'a self, reading: &'a Reading, direction: Direction) -> impl Iterator<Item = (Family, Hit)> + 'a {
        let bytes = reading.text().as_bytes();
        let matched = self.set.matches(bytes).into_iter().map(|index| (&RULES[index], &self.regexes[index]));
        matched.filter(move |(rule, _)| rule.applies(direction)).filter_map(move |(rule, regex)| {
            let weighed = regex
                .find_iter(bytes)
                .take(MAX_MATCHES)
                .map(|found| (self.weigh(rule, bytes, found.range()), found.range()));
            let (weight, range) = weighed.max_by(|one, other| one.0.total_cmp(&other.0))?;
            Some((rule.family, hit(rule, weight, reading, range)))
        })
    }

    /// "Ignore the previous bill", "forget my doctor's instructions": the words are those of an attack, the matter is not.
    fn weigh(&self, rule: &Rule, bytes: &[u8], range: Range<usize>) -> f64 {
        let rest = &bytes[range.end..bytes.len().min(range.end + OBJECT)];
        let sentence = rest.iter().position(|byte| b".!?\n".contains(byte)).unwrap_or(rest.len());
        let innocent =
            rule.family.is_about_instructions() && self.innocent.is_match(&bytes[range.start..range.end + sentence]);
        if innocent { rule.weight * INNOCENT_SHARE } else { rule.weight }
    }
}

fn hit(rule: &Rule, weight: f64, reading: &Reading, range: Range<usize>) -> Hit {
    let disguise = if reading.kind == ReadingKind::Decoded { DISGUISE } else { 0.0 };
    let weight = 1.0 - (1.0 - weight) * (1.0 - disguise);
    Hit { kind: rule.family.kind(), range: reading.to_original(range), weight, rule: rule.id }
}
