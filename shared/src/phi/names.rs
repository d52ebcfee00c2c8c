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
    let mut hits: Vec<Hit> = INTRODUCTIONS
        .iter()
        .flat_map(|introduction| introduction.find(&words))
        .collect();
    hits.extend((0..words.list.len()).filter_map(|index| words.listed(index)));
    hits.extend(chinese(view.bytes()));
    hits
}

/// Words that introduce a name.
struct Introduction {
    regex: Regex,
    strength: Strength,
    score: f32,
    rule: &'static str,
}

/// How much an introduction proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strength {
    /// "my name is": anything capitalised that follows is a name.
    Name,
    /// "patient": a listed name, or "Patient: ".
    Role,
    /// "I am", "from": only what looks like a name by itself; "I am Hispanic" introduces nobody.
    Hint,
}

impl Introduction {
    fn new(words: &str, strength: Strength, score: f32, rule: &'static str) -> Option<Self> {
        let pattern = format!(r"\b(?:{words})\b(?:\s?[:#]\s{{0,3}}|,? \(?)");
        let regex = RegexBuilder::new(&pattern)
            .unicode(false)
            .case_insensitive(true)
            .build()
            .ok()?;
        Some(Self {
            regex,
            strength,
            score,
            rule,
        })
    }

    fn find<'a>(&'a self, words: &'a Words<'a>) -> impl Iterator<Item = Hit> + 'a {
        self.regex.find_iter(words.text.as_bytes()).filter_map(|found| {
            let index = words.at(found.end())?;
            let name = words.name_from(index, self.strength != Strength::Hint)?;
            let plausible = !words.is_institution(&name) && self.proves(words, found.range(), &name);
            plausible.then(|| words.hit(name, self.score, self.rule))
        })
    }
}

impl Introduction {
    fn proves(&self, words: &Words<'_>, introduction: Range<usize>, name: &Range<usize>) -> bool {
        let text = &words.text[introduction];
        match self.strength {
            Strength::Name => true,
            Strength::Role => {
                words.is_listed(name) || (!words.title_case && (text.contains(':') || words.is_plain_unknown(name)))
            }
            Strength::Hint => words.looks_introduced(name),
        }
    }
}

static INTRODUCTIONS: LazyLock<Vec<Introduction>> = LazyLock::new(|| {
    [
        Introduction::new(NAMED, Strength::Name, 0.9, "PHI-A1"),
        Introduction::new(ROLES, Strength::Role, 0.75, "PHI-A2"),
        Introduction::new(GREETINGS, Strength::Hint, 0.65, "PHI-A3"),
    ]
    .into_iter()
    .flatten()
    .collect()
});

const NAMED: &str = "name is|name's|name|names are|me llamo|mi nombre es|nombre|nombre es|se llama|je m'appelle|nom\
    |meu nome e|me chamo|nome|mwen rele|non mwen se|ten toi la|toi ten la|ich heisse|attn|c/o|on behalf of|en nombre de|de parte de|spoke (?:with|to)|hable con";
const ROLES: &str = "patients?|paciente|members?|miembro|subscriber|suscriptora?|titular|policy ?holder|dependents?|dependiente|beneficiary|beneficiari[oa]|insured\
    |asegurad[oa]|afiliad[oa]|spouse|wife|husband|partner|son|daughter|child|kids?|baby|mother|mom|mum|father|dad|brother|sister|grandmother|grandma|grandfather\
    |grandpa|aunt|uncle|cousin|niece|nephew|friend|caregiver|guardian|esposa|esposo|marido|mujer|pareja|hij[oa]|mama|madre|papa|padre|herman[oa]|abuel[oa]|ti[oa]\
    |sobrin[oa]|prim[oa]|amig[oa]|bebe|employee|provider|physician|therapist|contact|cardholder|account holder|dear|estimad[oa]|hello|hi|hey|hola|thanks|thank you|gracias";
const GREETINGS: &str = "named|called|llamad[oa]|signed|sincerely|regards|atentamente|saludos|i'm|i am|im|this is|it is|it's|he is|she is|he's|she's|soy|habla|aqui|by|with|from|for|about|to|and|de|para|con|su";

/// The words of a view and what they are.
struct Words<'a> {
    text: &'a str,
    list: Vec<Word>,
    /// Whether most words are capitalised, as in a heading: then capitals prove nothing.
    title_case: bool,
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
    fn split(view: &'a View) -> Self {
        let text = view.text();
        let found = WORD.iter().flat_map(|word| word.find_iter(view.bytes()));
        let list: Vec<Word> = found.filter_map(|found| Word::new(text, found.range())).collect();
        let capitals = list.iter().filter(|word| word.capital).count();
        Self {
            text,
            title_case: list.len() > 4 && capitals * 10 > list.len() * 7,
            list,
        }
    }

    /// The index of the word that starts at a byte.
    fn at(&self, start: usize) -> Option<usize> {
        self.list.binary_search_by_key(&start, |word| word.range.start).ok()
    }

    /// The words that make one name from `index` on; `any` takes names that no list knows.
    fn name_from(&self, index: usize, any: bool) -> Option<Range<usize>> {
        let first = self.list.get(index)?;
        if first.class == Class::Title {
            return self
                .name_from(index + 1, true)
                .filter(|_| self.continues(index + 1))
                .map(|name| index..name.end);
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
        let end = if end == index {
            self.given_after_comma(index).unwrap_or(end)
        } else {
            end
        };
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
        (start..=end)
            .rev()
            .find(|&index| self.list[index].class != Class::Particle || index == start)
            .unwrap_or(start)
    }

    /// "Sanders, Shelby": the index of the given name.
    fn given_after_comma(&self, index: usize) -> Option<usize> {
        let next = self.list.get(index + 1)?;
        let gap = &self.text[self.list[index].range.end..next.range.start];
        (gap == ", "
            && next.capital
            && matches!(next.class, Class::Given | Class::GivenWord | Class::Unknown)
            && next.range.len() > 1)
            .then_some(index + 1)
    }

    fn is_listed(&self, name: &Range<usize>) -> bool {
        self.list[name.clone()]
            .iter()
            .any(|word| matches!(word.class, Class::Given | Class::Surname | Class::Title))
    }

    /// One or more words that no list knows, spelled as names are, after an introduction in lower case.
    fn is_plain_unknown(&self, name: &Range<usize>) -> bool {
        let introduced_in_lower_case = name
            .start
            .checked_sub(1)
            .is_some_and(|before| !self.list[before].capital);
        introduced_in_lower_case
            && self.list[name.clone()]
                .iter()
                .all(|word| !word.acronym && word.range.len() > 1)
    }

    /// After "I am" or "from": a given name first, or an unknown word before a surname, or "Leif here".
    fn looks_introduced(&self, name: &Range<usize>) -> bool {
        let words = &self.list[name.clone()];
        let surname_last = words.len() > 1 && words.last().is_some_and(|word| word.class == Class::Surname);
        let rest = &self.text[words.last().map_or(0, |word| word.range.end)..];
        match words.first().map(|word| word.class) {
            Some(Class::Given | Class::Title) => true,
            Some(Class::GivenWord | Class::Unknown) if surname_last => !self.title_case,
            _ => rest.starts_with(" here") || rest.starts_with("'s "),
        }
    }

    /// A name that is recognised by the lists alone.
    fn listed(&self, index: usize) -> Option<Hit> {
        let word = &self.list[index];
        let known = match word.class {
            Class::Given => word.capital && !word.acronym,
            Class::Title => true,
            Class::GivenWord | Class::Surname => word.capital && self.surname_follows(index, word.class),
            _ => false,
        };
        let name = known.then(|| self.name_from(index, false))??;
        let score = if name.len() > 1 { 0.75 } else { 0.6 };
        (!self.is_institution(&name)).then(|| self.hit(name, score, "PHI-A4"))
    }

    /// "Will Smith", "GONZALEZ, MARIA".
    fn surname_follows(&self, index: usize, class: Class) -> bool {
        let Some(next) = self.list.get(index + 1).filter(|next| next.capital) else {
            return false;
        };
        let gap = &self.text[self.list[index].range.end..next.range.start];
        match class {
            Class::GivenWord => gap == " " && matches!(next.class, Class::Surname | Class::Given),
            _ => gap == ", " && next.class == Class::Given,
        }
    }

    /// Whether the name, or what follows it, says that it is one of a disease, a law or a house.
    fn is_institution(&self, name: &Range<usize>) -> bool {
        let names_one = |index: usize| lexicon::names_an_institution(&self.text[self.list[index].range.clone()]);
        let follows = self.list.get(name.end).is_some_and(|next| {
            matches!(
                &self.text[self.list[name.end - 1].range.end..next.range.start],
                " " | "'s "
            )
        });
        name.clone().any(names_one) || (follows && names_one(name.end))
    }

    fn hit(&self, name: Range<usize>, score: f32, rule: &'static str) -> Hit {
        let range = self.list[name.start].range.start..self.list[name.end - 1].range.end;
        Hit {
            kind: Kind::Person,
            range,
            score,
            rule,
        }
    }
}

impl Word {
    fn new(text: &str, range: Range<usize>) -> Option<Self> {
        let word = text.get(range.clone())?;
        let bare = word.strip_suffix("'s").unwrap_or(word);
        let capital = bare.chars().next().is_some_and(char::is_uppercase);
        let acronym = (2..=4).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_uppercase());
        Some(Self {
            range: range.start..range.start + bare.len(),
            capital,
            acronym,
            class: lexicon::classify(bare),
        })
    }
}

static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    RegexBuilder::new(r"[A-Za-z\x80-\xFF]+(?:['-][A-Za-z\x80-\xFF]+)*")
        .unicode(false)
        .build()
        .ok()
});

/// Chinese names of two or three characters after "my name is".
fn chinese(bytes: &[u8]) -> impl Iterator<Item = Hit> + '_ {
    CHINESE
        .iter()
        .flat_map(|regex| regex.captures_iter(bytes))
        .filter_map(|captures| {
            let range = captures.get(1)?.range();
            Some(Hit {
                kind: Kind::Person,
                range,
                score: 0.75,
                rule: "PHI-A5",
            })
        })
}

static CHINESE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let introductions = ["我叫", "我的名字是", "名字叫", "姓名：", "姓名:"].join("|");
    let pattern = format!(r"(?:{introductions}) ?((?:[\xE4-\xE9][\x80-\xBF][\x80-\xBF]){{2,3}})");
    RegexBuilder::new(&pattern).unicode(false).build().ok()
});
