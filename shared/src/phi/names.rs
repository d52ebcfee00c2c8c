//! Names of people: after words that introduce one ("my name is", "Dr.", "titular"), and given names of the US
//! census lists, alone or with what follows. Names that are also words or places ("Will", "Virginia") need a surname.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use super::hit::Hit;
use super::kind::Kind;
use super::view::View;
use super::words::Words;

/// The names in `view`.
pub(super) fn find(view: &View) -> Vec<Hit> {
    let words = Words::split(view);
    let mut hits: Vec<Hit> = INTRODUCTIONS.iter().flat_map(|introduction| introduction.find(&words)).collect();
    hits.extend((0..words.len()).filter_map(|index| words.listed(index)));
    hits.extend(in_other_scripts(view.bytes()));
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
        let regex = RegexBuilder::new(&pattern).unicode(false).case_insensitive(true).build().ok()?;
        Some(Self { regex, strength, score, rule })
    }

    fn find<'a>(&'a self, words: &'a Words<'a>) -> impl Iterator<Item = Hit> + 'a {
        self.regex.find_iter(words.text.as_bytes()).filter_map(|found| {
            let index = words.at(found.end())?;
            let name = words.lower_case_name(index, self.strength != Strength::Role);
            let name = name.or_else(|| words.name_from(index, self.strength != Strength::Hint))?;
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

/// Names after "my name is" in scripts without capitals, or with letters of two bytes and more.
fn in_other_scripts(bytes: &[u8]) -> impl Iterator<Item = Hit> + '_ {
    OTHER_SCRIPTS.iter().flat_map(|regex| regex.captures_iter(bytes)).filter_map(|captures| {
        let range = captures.iter().skip(1).flatten().next()?.range();
        Some(Hit { kind: Kind::Person, range, score: 0.75, rule: "PHI-A5" })
    })
}

static OTHER_SCRIPTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let chinese = r"(?:我叫|我的名字是|名字叫|姓名：|姓名:) ?((?:[\xE4-\xE9][\x80-\xBF]{2}){2,3})";
    let korean = r"이름은 ?((?:[\xEA-\xED][\x80-\xBF]{2}){2,4}?)(?:입니다|이고|이에요|예요)";
    let russian = r"(?:Меня|меня) зовут ((?:[\xD0\xD1][\x80-\xBF])+(?: \xD0[\x90-\xAF](?:[\xD0\xD1][\x80-\xBF])+)?)";
    RegexBuilder::new(&[chinese, korean, russian].join("|")).unicode(false).build().ok()
});
