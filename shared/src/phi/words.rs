//! A text as words with their places in names: which of them together make one.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use super::hit::Hit;
use super::kind::Kind;
use super::lexicon::{self, Class};
use super::view::View;

/// Most words in one name.
const LONGEST: usize = 5;

/// The words of a view and what they are.
pub(super) struct Words<'a> {
    pub(super) text: &'a str,
    list: Vec<Word>,
    /// Whether most words are capitalised, as in a heading: then capitals prove nothing.
    pub(super) title_case: bool,
}

#[derive(Clone, Debug)]
struct Word {
    range: Range<usize>,
    capital: bool,
    /// Two to four capitals: IRA, ESRD.
    acronym: bool,
    class: Class,
}

impl<'a> Words<'a> {
    /// Splits `view`.
    pub(super) fn split(view: &'a View) -> Self {
        let text = view.text();
        let found = WORD.iter().flat_map(|word| word.find_iter(view.bytes()));
        let list: Vec<Word> = found.filter_map(|found| Word::new(text, found.range())).collect();
        let capitals = list.iter().filter(|word| word.capital).count();
        Self { text, title_case: list.len() > 4 && capitals * 10 > list.len() * 7, list }
    }

    /// The index of the word that starts at a byte.
    pub(super) fn at(&self, start: usize) -> Option<usize> {
        self.list.binary_search_by_key(&start, |word| word.range.start).ok()
    }

    /// How many words there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// A name in lower case: a given name that is no word, after an introduction or before a surname.
    pub(super) fn lower_case_name(&self, index: usize, introduced: bool) -> Option<Range<usize>> {
        let first = self.list.get(index).filter(|word| word.class == Class::Given && !word.capital)?;
        let second = self.list.get(index + 1).filter(|next| &self.text[first.range.end..next.range.start] == " ");
        match second.map(|next| next.class) {
            Some(Class::Surname) => Some(index..index + 2),
            Some(Class::SurnameWord | Class::Given) if introduced => Some(index..index + 2),
            _ => introduced.then_some(index..index + 1),
        }
    }

    /// The words that make one name from `index` on; `any` takes names that no list knows.
    pub(super) fn name_from(&self, index: usize, any: bool) -> Option<Range<usize>> {
        let first = self.list.get(index)?;
        if first.class == Class::Title {
            return self.name_from(index + 1, true).filter(|_| self.continues(index + 1)).map(|name| index..name.end);
        }
        let initial = first.range.len() == 1;
        if !first.capital || first.class == Class::Stop || (initial && !any) {
            return None;
        }
        let end = (index + 1..self.list.len().min(index + LONGEST))
            .take_while(|&next| self.continues(next))
            .last()
            .unwrap_or(index);
        let end = self.trim(index, end);
        let end = if end == index { self.given_after_comma(index).unwrap_or(end) } else { end };
        Some(index..end + 1)
    }

    /// Whether the word at `next` belongs to the same name as the one before it.
    fn continues(&self, next: usize) -> bool {
        let (before, word) = (&self.list[next - 1], &self.list[next]);
        let gap = &self.text[before.range.end..word.range.start];
        let abbreviated = before.range.len() == 1 || before.class == Class::Title;
        let joined = gap == " " || (gap == ". " && abbreviated && before.capital);
        joined && ((word.capital && word.class != Class::Stop) || word.class == Class::Particle)
    }

    /// A name does not end with a particle.
    fn trim(&self, start: usize, end: usize) -> usize {
        (start..=end).rev().find(|&index| self.list[index].class != Class::Particle || index == start).unwrap_or(start)
    }

    /// "Sanders, Shelby": the index of the given name.
    fn given_after_comma(&self, index: usize) -> Option<usize> {
        let next = self.list.get(index + 1)?;
        let gap = &self.text[self.list[index].range.end..next.range.start];
        (gap == ", "
            && next.capital
            && (matches!(next.class, Class::Given | Class::GivenWord)
                || (next.class == Class::Unknown && !next.acronym))
            && next.range.len() > 1)
            .then_some(index + 1)
    }

    /// Whether a list knows one of the words.
    pub(super) fn is_listed(&self, name: &Range<usize>) -> bool {
        self.list[name.clone()]
            .iter()
            .any(|word| matches!(word.class, Class::Given | Class::Surname | Class::SurnameWord | Class::Title))
    }

    /// One or more words that no list knows, spelled as names are, after an introduction in lower case.
    pub(super) fn is_plain_unknown(&self, name: &Range<usize>) -> bool {
        let introduced_in_lower_case = name.start.checked_sub(1).is_some_and(|before| !self.list[before].capital);
        introduced_in_lower_case && self.list[name.clone()].iter().all(|word| !word.acronym && word.range.len() > 1)
    }

    /// After "I am" or "from": a given name first, or an unknown word before a surname, or "Leif here".
    pub(super) fn looks_introduced(&self, name: &Range<usize>) -> bool {
        let words = &self.list[name.clone()];
        let surname_last = words.len() > 1
            && words.last().is_some_and(|word| matches!(word.class, Class::Surname | Class::SurnameWord));
        let rest = &self.text[words.last().map_or(0, |word| word.range.end)..];
        match words.first().map(|word| word.class) {
            Some(Class::Given | Class::Title) => true,
            Some(Class::GivenWord | Class::Unknown) if surname_last => !self.title_case,
            _ => rest.starts_with(" here") || rest.starts_with("'s "),
        }
    }

    /// A name that is recognised by the lists alone.
    pub(super) fn listed(&self, index: usize) -> Option<Hit> {
        let word = &self.list[index];
        let known = match word.class {
            Class::Given => word.capital && !word.acronym,
            Class::Title => true,
            Class::GivenWord | Class::Surname | Class::SurnameWord => {
                word.capital && self.surname_follows(index, word.class)
            }
            _ => false,
        };
        let in_lower_case = || self.lower_case_name(index, false);
        let name = if known { self.name_from(index, false) } else { in_lower_case() }?;
        let score = if name.len() > 1 { 0.75 } else { 0.6 };
        (!self.is_institution(&name) && !self.is_place(&name)).then(|| self.hit(name, score, "PHI-A4"))
    }

    /// "Will Smith", "GONZALEZ, MARIA".
    fn surname_follows(&self, index: usize, class: Class) -> bool {
        let Some(next) = self.list.get(index + 1).filter(|next| next.capital) else {
            return false;
        };
        let gap = &self.text[self.list[index].range.end..next.range.start];
        match class {
            Class::GivenWord => gap == " " && matches!(next.class, Class::Surname | Class::SurnameWord | Class::Given),
            _ => gap == ", " && next.class == Class::Given,
        }
    }

    /// Whether the name, or what follows it, says that it is one of a disease, a law or a house.
    pub(super) fn is_institution(&self, name: &Range<usize>) -> bool {
        let names_one = |index: usize| lexicon::names_an_institution(&self.text[self.list[index].range.clone()]);
        let follows = self
            .list
            .get(name.end)
            .is_some_and(|next| matches!(&self.text[self.list[name.end - 1].range.end..next.range.start], " " | "'s "));
        name.clone().any(names_one) || (follows && names_one(name.end))
    }

    /// "San Diego", "Austin, TX".
    fn is_place(&self, name: &Range<usize>) -> bool {
        let rest = &self.text.as_bytes()[self.list[name.end - 1].range.end..];
        let before_state = matches!(rest, [b',', b' ', b'A'..=b'Z', b'A'..=b'Z', next, ..] if !next.is_ascii_alphanumeric())
            || matches!(rest, [b',', b' ', b'A'..=b'Z', b'A'..=b'Z']);
        let before = name.start.checked_sub(1).map(|before| &self.text[self.list[before].range.clone()]);
        name.len() == 1 && (before_state || before.is_some_and(lexicon::opens_a_place))
    }

    /// The words of `name` as a find.
    pub(super) fn hit(&self, name: Range<usize>, score: f32, rule: &'static str) -> Hit {
        let range = self.list[name.start].range.start..self.list[name.end - 1].range.end;
        Hit { kind: Kind::Person, range, score, rule }
    }
}

impl Word {
    fn new(text: &str, range: Range<usize>) -> Option<Self> {
        let word = text.get(range.clone())?;
        let bare = word.strip_suffix("'s").unwrap_or(word);
        let capital = bare.chars().next().is_some_and(char::is_uppercase);
        let acronym = (2..=4).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_uppercase());
        Some(Self { range: range.start..range.start + bare.len(), capital, acronym, class: lexicon::classify(bare) })
    }
}

static WORD: LazyLock<Option<Regex>> =
    LazyLock::new(|| RegexBuilder::new(r"[A-Za-z\x80-\xFF]+(?:['-][A-Za-z\x80-\xFF]+)*").unicode(false).build().ok());
