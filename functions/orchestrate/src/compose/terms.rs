//! Words as terms: lower-cased, stemmed in their language, without stop words.

use std::collections::HashSet;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// Function words carry no subject. English and Spanish: the languages of the sources.
const STOP_WORDS: &str = "a an and are as at be but by can could did do does for from had has have how i if in is it its me my \
    need no not of on or our should so than that the their them then there these they this to was we were what when where \
    which who why will with would you your \
    al algo como con cual cuando de del donde el ella en entre es esta este esto fue ha hay la las le les lo los me mi mis mas \
    más muy ni no nos o para pero por porque puede que qué quien se ser si sí sin sobre son su sus tengo tiene tu un una unas uno \
    unos y ya cómo cuál cuándo dónde cuánto cuanto";

/// The terms of `text`, each once.
pub fn terms(text: &str, language: &str) -> HashSet<String> {
    let stop: HashSet<&str> = STOP_WORDS.split_whitespace().collect();
    let stemmer = Stemmer::create(algorithm(language));
    let words = text.unicode_words().map(str::to_lowercase).filter(|word| !stop.contains(word.as_str()));
    words.map(|word| stemmer.stem(&word).into_owned()).collect()
}

fn algorithm(language: &str) -> Algorithm {
    match language {
        "es" => Algorithm::Spanish,
        "fr" => Algorithm::French,
        "de" => Algorithm::German,
        "it" => Algorithm::Italian,
        "pt" => Algorithm::Portuguese,
        "ru" => Algorithm::Russian,
        "ar" => Algorithm::Arabic,
        _ => Algorithm::English,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_are_one_term() {
        assert_eq!(terms("Deductibles", "en"), terms("the deductible", "en"));
        assert_eq!(terms("¿Qué es el deducible?", "es"), terms("deducibles", "es"));
    }
}
