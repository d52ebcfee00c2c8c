//! The languages that can be named: BCP 47 codes with two letters, as on the wire, and what partners call them.
//!
//! The list is what Amazon Translate offers plus what patients of the fifteen-language notices speak. Whether a
//! provider serves a pair is for the provider to say.

use std::fmt;

/// A known language. Equal by code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language {
    code: &'static str,
    iso639_3: &'static str,
    name: &'static str,
}

/// From one language into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The language given.
    pub source: Language,
    /// The language wanted.
    pub target: Language,
}

impl Language {
    /// English, the language of the documents.
    pub const ENGLISH: Self = language("en", "eng", "English");
    /// Spanish.
    pub const SPANISH: Self = language("es", "spa", "Spanish");
    /// Haitian Creole.
    pub const HAITIAN: Self = language("ht", "hat", "Haitian Creole");

    /// Reads a BCP 47 tag. Region and script are ignored, as no provider is asked for them; the old codes that are
    /// still met (`fil`, `iw`, `in`, `cmn`, `nb`) are understood.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
        let code = match primary.as_str() {
            "fil" => "tl",
            "iw" => "he",
            "in" => "id",
            "cmn" => "zh",
            "nb" | "nn" => "no",
            code => code,
        };
        LANGUAGES.iter().find(|language| language.code == code).copied()
    }

    /// The two-letter code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// The ISO 639-3 code, with three letters.
    #[must_use]
    pub const fn iso639_3(self) -> &'static str {
        self.iso639_3
    }

    /// The name in English.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code)
    }
}

const fn language(code: &'static str, iso639_3: &'static str, name: &'static str) -> Language {
    Language { code, iso639_3, name }
}

const LANGUAGES: [Language; 78] = [
    language("af", "afr", "Afrikaans"),
    language("am", "amh", "Amharic"),
    language("ar", "ara", "Arabic"),
    language("az", "aze", "Azerbaijani"),
    language("bg", "bul", "Bulgarian"),
    language("bn", "ben", "Bengali"),
    language("bs", "bos", "Bosnian"),
    language("ca", "cat", "Catalan"),
    language("cs", "ces", "Czech"),
    language("cy", "cym", "Welsh"),
    language("da", "dan", "Danish"),
    language("de", "deu", "German"),
    language("el", "ell", "Greek"),
    Language::ENGLISH,
    Language::SPANISH,
    language("et", "est", "Estonian"),
    language("fa", "pes", "Persian"),
    language("fi", "fin", "Finnish"),
    language("fr", "fra", "French"),
    language("ga", "gle", "Irish"),
    language("gu", "guj", "Gujarati"),
    language("ha", "hau", "Hausa"),
    language("he", "heb", "Hebrew"),
    language("hi", "hin", "Hindi"),
    language("hr", "hrv", "Croatian"),
    Language::HAITIAN,
    language("hu", "hun", "Hungarian"),
    language("hy", "hye", "Armenian"),
    language("id", "ind", "Indonesian"),
    language("ig", "ibo", "Igbo"),
    language("is", "isl", "Icelandic"),
    language("it", "ita", "Italian"),
    language("ja", "jpn", "Japanese"),
    language("ka", "kat", "Georgian"),
    language("kk", "kaz", "Kazakh"),
    language("km", "khm", "Khmer"),
    language("kn", "kan", "Kannada"),
    language("ko", "kor", "Korean"),
    language("lo", "lao", "Lao"),
    language("lt", "lit", "Lithuanian"),
    language("lv", "lav", "Latvian"),
    language("mk", "mkd", "Macedonian"),
    language("ml", "mal", "Malayalam"),
    language("mn", "mon", "Mongolian"),
    language("mr", "mar", "Marathi"),
    language("ms", "msa", "Malay"),
    language("mt", "mlt", "Maltese"),
    language("my", "mya", "Burmese"),
    language("ne", "nep", "Nepali"),
    language("nl", "nld", "Dutch"),
    language("no", "nob", "Norwegian"),
    language("pa", "pan", "Punjabi"),
    language("pl", "pol", "Polish"),
    language("ps", "pus", "Pashto"),
    language("pt", "por", "Portuguese"),
    language("ro", "ron", "Romanian"),
    language("ru", "rus", "Russian"),
    language("si", "sin", "Sinhala"),
    language("sk", "slk", "Slovak"),
    language("sl", "slv", "Slovenian"),
    language("so", "som", "Somali"),
    language("sq", "sqi", "Albanian"),
    language("sr", "srp", "Serbian"),
    language("sv", "swe", "Swedish"),
    language("sw", "swa", "Swahili"),
    language("ta", "tam", "Tamil"),
    language("te", "tel", "Telugu"),
    language("th", "tha", "Thai"),
    language("ti", "tir", "Tigrinya"),
    language("tl", "tgl", "Tagalog"),
    language("tr", "tur", "Turkish"),
    language("uk", "ukr", "Ukrainian"),
    language("ur", "urd", "Urdu"),
    language("uz", "uzb", "Uzbek"),
    language("vi", "vie", "Vietnamese"),
    language("yi", "yid", "Yiddish"),
    language("yo", "yor", "Yoruba"),
    language("zh", "zho", "Chinese"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tags_and_old_codes() {
        let cases = [("es-MX", "es"), ("zh_Hant_TW", "zh"), ("FIL", "tl"), ("iw", "he"), (" en ", "en")];
        for (tag, code) in cases {
            assert_eq!(Language::parse(tag).unwrap().code(), code, "{tag}");
        }
    }

    #[test]
    fn does_not_know_what_is_no_language() {
        for tag in ["", "-", "xx", "english", "auto", "e", "🌮"] {
            assert_eq!(Language::parse(tag), None, "{tag}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_every_code_has_two_letters() {
        assert!(LANGUAGES.is_sorted_by_key(|language| language.code));
        assert!(LANGUAGES.iter().all(|language| language.code.len() == 2 && language.iso639_3.len() == 3));
    }
}
