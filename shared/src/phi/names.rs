//! Names of people: after words that introduce one ("my name is", "Dr.", "titular"), and given names of the US
//! census lists, alone or with what follows. Names that are also words or places ("Will", "Virginia") need a surname.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use super::hit::Hit;
use super::kind::Kind;
use super::lexicon::{self, Class};
use super::view::View;

/// Most words in one name.
const LONGEST: usize = 5;

/// The names in `view`.
pub(super) fn find(view: &View) -> Vec<Hit> {
    let words = Words::split(view);
    let mut hits: Vec<Hit> = INTRODUCTIONS.iter().flat_map(|introduction| introduction.find(&words)).collect();
    hits.extend((0..words.list.len()).filter_map(|index| words.listed(index)));
    hits.extend(chinese(view.bytes()));
    hits
}

/// Words that introduce a name.
struct Introduction {
    regex: Regex,
    /// Whether what follows must look like a name by itself: "I am Hispanic" introduces nobody.
    weak: bool,
    score: f32,
    rule: &'static str,
}

impl Introduction {
    fn new(words: &str, weak: bool, score: f32, rule: &'static str) -> Option<Self> {
        let pattern = format!(r"\b(?:{words})\b[.]?[\s:,#(\x22-]{{0,4}}");
        let regex = RegexBuilder::new(&pattern).unicode(false).case_insensitive(true).build().ok()?;
        Some(Self { regex, weak, score, rule })
    }

    fn find<'a>(&'a self, words: &'a Words<'a>) -> impl Iterator<Item = Hit> + 'a {
        self.regex.find_iter(words.text.as_bytes()).filter_map(|found| {
            let index = words.at(found.end())?;
            let name = words.name_from(index, !self.weak)?;
            let plausible = !self.weak || words.looks_introduced(index, &name);
            plausible.then(|| words.hit(name, self.score, self.rule))
        })
    }
}

static INTRODUCTIONS: LazyLock<Vec<Introduction>> = LazyLock::new(|| {
    [Introduction::new(NAMED, false, 0.9, "PHI-A1"), Introduction::new(ROLES, false, 0.75, "PHI-A2"), Introduction::new(GREETINGS, true, 0.65, "PHI-A3")]
        .into_iter()
        .flatten()
        .collect()
});

const NAMED: &str = "name is|name's|name|names are|named|called|me llamo|mi nombre es|nombre|nombre es|se llama|llamad[oa]|je m'appelle|nom\
    |meu nome e|me chamo|nome|mwen rele|non mwen se|ten toi la|toi ten la|ich heisse|mr|mrs|ms|miss|mx|dr|dra|doctor|doctora|sr|sra|srta|senor|senora\
    |don|dona|nurse|signed|sincerely|regards|atentamente|saludos|attn|c/o|on behalf of|en nombre de|de parte de|spoke (?:with|to)|hable con";
const ROLES: &str = "patients?|paciente|members?|miembro|subscriber|suscriptora?|titular|policy ?holder|dependents?|dependiente|beneficiary|beneficiari[oa]|insured\
    |asegurad[oa]|afiliad[oa]|spouse|wife|husband|partner|son|daughter|child|kids?|baby|mother|mom|mum|father|dad|brother|sister|grandmother|grandma|grandfather\
    |grandpa|aunt|uncle|cousin|niece|nephew|friend|caregiver|guardian|esposa|esposo|marido|mujer|pareja|hij[oa]|mama|madre|papa|padre|herman[oa]|abuel[oa]|ti[oa]\
    |sobrin[oa]|prim[oa]|amig[oa]|bebe|employee|provider|physician|therapist|contact|cardholder|account holder|dear|estimad[oa]|hello|hi|hey|hola|thanks|thank you|gracias";
const GREETINGS: &str = "i'm|i am|im|this is|it is|it's|he is|she is|he's|she's|soy|habla|aqui|by|with|from|for|about|to|and|de|para|con|su";

/// The words of a view and what they are.
struct Words<'a> {
    text: &'a str,
    list: Vec<Word>,
}

#[derive(Clone, Debug)]
struct Word {
    range: Range<usize>,
    capital: bool,
    class: Class,
}

impl<'a> Words<'a> {
    fn split(view: &'a View) -> Self {
        let text = view.text();
        let found = WORD.iter().flat_map(|word| word.find_iter(view.bytes()));
        let list = found.filter_map(|found| Word::new(text, found.range())).collect();
        Self { text, list }
    }

    /// The index of the word that starts at a byte.
    fn at(&self, start: usize) -> Option<usize> {
        self.list.binary_search_by_key(&start, |word| word.range.start).ok()
    }

    /// The words that make one name from `index` on; `any` takes names that no list knows.
    fn name_from(&self, index: usize, any: bool) -> Option<Range<usize>> {
        let first = self.list.get(index)?;
        let initial = first.range.len() == 1;
        if !first.capital || first.class == Class::Stop || (initial && !any) {
            return None;
        }
        let end = (index + 1..self.list.len().min(index + LONGEST)).take_while(|&next| self.continues(next)).last().unwrap_or(index);
        let end = self.trim(index, end);
        let end = if end == index { self.given_after_comma(index).unwrap_or(end) } else { end };
        Some(index..end + 1)
    }

    /// Whether the word at `next` belongs to the same name as the one before it.
    fn continues(&self, next: usize) -> bool {
        let (before, word) = (&self.list[next - 1], &self.list[next]);
        let gap = &self.text[before.range.end..word.range.start];
        let joined = gap == " " || (gap == ". " && before.range.len() == 1);
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
        (gap == ", " && next.capital && matches!(next.class, Class::Given | Class::GivenWord | Class::Unknown) && next.range.len() > 1).then_some(index + 1)
    }

    /// After "I am" or "from": at least two words of which one is listed, a listed name, or "Leif here".
    fn looks_introduced(&self, index: usize, name: &Range<usize>) -> bool {
        let listed = self.list[name.clone()].iter().any(|word| matches!(word.class, Class::Given | Class::Surname));
        let rest = &self.text[self.list[name.end - 1].range.end..];
        (listed && name.len() > 1) || self.list[index].class == Class::Given || rest.starts_with(" here") || rest.starts_with("'s ")
    }

    /// A name that is recognised by the lists alone.
    fn listed(&self, index: usize) -> Option<Hit> {
        let word = &self.list[index];
        let known = match word.class {
            Class::Given => true,
            Class::GivenWord | Class::Surname => self.surname_follows(index, word.class),
            _ => false,
        };
        if !known || !word.capital {
            return None;
        }
        let name = self.name_from(index, false)?;
        let score = if name.len() > 1 { 0.75 } else { 0.6 };
        (!self.is_institution(name.end)).then(|| self.hit(name, score, "PHI-A4"))
    }

    /// "Will Smith", "GONZALEZ, MARIA".
    fn surname_follows(&self, index: usize, class: Class) -> bool {
        let Some(next) = self.list.get(index + 1).filter(|next| next.capital) else { return false };
        let gap = &self.text[self.list[index].range.end..next.range.start];
        match class {
            Class::GivenWord => gap == " " && matches!(next.class, Class::Surname | Class::Given),
            _ => gap == ", " && next.class == Class::Given,
        }
    }

    /// Whether what follows makes the name one of a disease, a law or a house.
    fn is_institution(&self, next: usize) -> bool {
        let Some(word) = self.list.get(next) else { return false };
        let gap = &self.text[self.list[next - 1].range.end..word.range.start];
        matches!(gap, " " | "'s ") && lexicon::names_an_institution(&self.text[word.range.clone()])
    }

    fn hit(&self, name: Range<usize>, score: f32, rule: &'static str) -> Hit {
        let range = self.list[name.start].range.start..self.list[name.end - 1].range.end;
        Hit { kind: Kind::Person, range, score, rule }
    }
}

impl Word {
    fn new(text: &str, range: Range<usize>) -> Option<Self> {
        let word = text.get(range.clone())?;
        let bare = word.strip_suffix("'s").unwrap_or(word);
        let capital = bare.chars().next().is_some_and(char::is_uppercase);
        Some(Self { range: range.start..range.start + bare.len(), capital, class: lexicon::classify(bare) })
    }
}

static WORD: LazyLock<Option<Regex>> =
    LazyLock::new(|| RegexBuilder::new(r"[A-Za-z\x80-\xFF]+(?:['-][A-Za-z\x80-\xFF]+)*").unicode(false).build().ok());

/// Chinese names of two or three characters after "my name is".
fn chinese(bytes: &[u8]) -> impl Iterator<Item = Hit> + '_ {
    CHINESE.iter().flat_map(|regex| regex.captures_iter(bytes)).filter_map(|captures| {
        let range = captures.get(1)?.range();
        Some(Hit { kind: Kind::Person, range, score: 0.75, rule: "PHI-A5" })
    })
}

static CHINESE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let introductions = ["我叫", "我的名字是", "名字叫", "姓名：", "姓名:"].join("|");
    let pattern = format!(r"(?:{introductions}) ?((?:[\xE4-\xE9][\x80-\xBF][\x80-\xBF]){{2,3}})");
    RegexBuilder::new(&pattern).unicode(false).build().ok()
});
