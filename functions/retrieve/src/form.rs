//! The form of a question, and the form in which a page begins.
//!
//! "Can I keep my doctor?" is answered by a page that begins with yes, no or "it depends", and no other question is. What is
//! only named, "deductible", is explained by a page that begins as definitions do: "The amount you pay". The page's words and
//! its meaning do not say so. A few words of each language do.

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether something is so.
    Closed,
    /// Who, what, when, where, why, how.
    Open,
    /// A thing is only named.
    Named,
    /// Something is told.
    Statement,
}

/// The words that tell, of one language.
struct Words {
    /// Begin a closed question. Where there are none, every question without a word of `open` is closed.
    closed: &'static [&'static str],
    open: &'static [&'static str],
    /// With one of these a page gives its answer.
    verdicts: &'static [&'static str],
    /// With one of these a definition begins.
    articles: &'static [&'static str],
}

/// What is only named has at most this many words.
const LONGEST_NAME: usize = 5;

/// So much of a page is read, in characters: what stands before a verdict, the verdict and what ends it.
pub const BEGINNING: i32 = 32;

/// No verdict is longer, in characters.
const LONGEST_VERDICT: usize = 20;

#[rustfmt::skip]
const ENGLISH: Words = Words {
    closed: &[
        "am", "are", "can", "could", "did", "do", "does", "had", "has", "have", "is", "may", "might", "must", "shall",
        "should", "was", "were", "will", "would",
    ],
    open: &["how", "what", "when", "where", "which", "who", "whom", "whose", "why"],
    verdicts: &["yes", "no", "not", "it depends", "depends", "generally", "usually"],
    articles: &["a", "an", "any", "one", "the"],
};

#[rustfmt::skip]
const SPANISH: Words = Words {
    closed: &[],
    open: &[
        "a", "como", "cual", "cuando", "cuál", "cuáles", "cuándo", "cuánta", "cuántas", "cuánto", "cuántos", "cómo",
        "donde", "dónde", "para", "por", "que", "quien", "quién", "quiénes", "qué",
    ],
    verdicts: &["sí", "si,", "no", "depende", "en general", "generalmente"],
    articles: &["el", "la", "las", "lo", "los", "un", "una"],
};

/// Of a language without lists, only the question mark is known.
const OTHER: Words = Words { closed: &[], open: &[], verdicts: &[], articles: &[] };

impl Question {
    /// The form of `text`, read as `language`.
    pub fn of(text: &str, language: &str) -> Self {
        let (text, words) = (text.to_lowercase(), words(language));
        let asks = text.contains(['?', '¿', '؟', '？']);
        // The question may stand behind its condition: "If I move, can I change plans?"
        for clause in text.split(['¿', '.', '?', '!', ',']).map(first_word) {
            if words.open.contains(&clause) && (asks || !words.closed.is_empty()) {
                return Self::Open;
            }
            if words.closed.contains(&clause) {
                return Self::Closed;
            }
        }
        match text.split_whitespace().count() {
            _ if asks && words.closed.is_empty() && !words.open.is_empty() => Self::Closed,
            _ if asks => Self::Open,
            count if count <= LONGEST_NAME => Self::Named,
            _ => Self::Statement,
        }
    }
}

/// Whether `text`, read as `language`, begins with yes, no or the like.
pub fn begins_with_verdict(text: &str, language: &str) -> bool {
    let beginning: String = text.chars().skip_while(|c| !c.is_alphanumeric()).take(LONGEST_VERDICT).collect();
    let beginning = beginning.to_lowercase();
    let is_whole = |rest: &str| !rest.starts_with(char::is_alphanumeric);
    words(language).verdicts.iter().any(|verdict| beginning.strip_prefix(verdict).is_some_and(is_whole))
}

/// Whether `text`, read as `language`, begins as a definition does.
pub fn begins_with_article(text: &str, language: &str) -> bool {
    let beginning: String = text.chars().take(LONGEST_VERDICT).collect();
    words(language).articles.contains(&first_word(&beginning.to_lowercase()))
}

fn words(language: &str) -> &'static Words {
    match language.split('-').next() {
        Some("en") => &ENGLISH,
        Some("es") => &SPANISH,
        _ => &OTHER,
    }
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphabetic()).find(|word| !word.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_questions_have_a_form() {
        for (text, form) in [
            ("Can I keep my doctor?", Question::Closed),
            ("If I move, will my plan follow?", Question::Closed),
            ("How much is it?", Question::Open),
            ("what is a copay", Question::Open),
            ("My baby was born. Is she covered?", Question::Closed),
            ("Premium tax credit", Question::Named),
            ("Vitamin D lowers the risk of fractures in old age", Question::Statement),
        ] {
            assert_eq!(Question::of(text, "en-US"), form, "{text}");
        }
    }

    #[test]
    fn spanish_questions_have_a_form() {
        for (text, form) in [
            ("¿Puedo conservar mi médico?", Question::Closed),
            ("¿Cuánto cuesta?", Question::Open),
            ("Si me mudo, ¿qué pasa?", Question::Open),
            ("Deducible", Question::Named),
        ] {
            assert_eq!(Question::of(text, "es"), form, "{text}");
        }
    }

    #[test]
    fn another_language_is_known_by_its_question_mark() {
        assert_eq!(Question::of("Maaari ba akong lumipat?", "tl"), Question::Open);
        assert_eq!(Question::of("Mahal ang seguro kung wala kang trabaho ngayon.", "tl"), Question::Statement);
    }

    #[test]
    fn definitions_begin_with_an_article() {
        for (text, language, is_definition) in [
            ("“The amount you pay.", "en", true),
            ("A fee.", "en-US", true),
            ("Another fee.", "en", false),
            ("La cantidad que paga.", "es", true),
            ("The amount.", "es", false),
            ("", "en", false),
        ] {
            assert_eq!(begins_with_article(text, language), is_definition, "{text}");
        }
    }

    #[test]
    fn pages_begin_with_a_verdict_or_not() {
        for (text, language, is_verdict) in [
            ("\"Yes, you can.", "en", true),
            ("It depends on the plan.", "en", true),
            ("Nobody pays.", "en", false),
            ("The amount you owe.", "en", false),
            ("Sí. Puede.", "es", true),
            ("", "es", false),
        ] {
            assert_eq!(begins_with_verdict(text, language), is_verdict, "{text}");
        }
    }
}
