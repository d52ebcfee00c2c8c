//! Words so common that they say nothing about a document. Sorted, for binary search.

/// The stop words of a two-letter language; none where there is no list.
pub(super) fn of(language: &str) -> &'static [&'static str] {
    match language {
        "en" => ENGLISH,
        "es" => SPANISH,
        _ => &[],
    }
}

#[rustfmt::skip]
const ENGLISH: &[&str] = &[
    "a", "am", "an", "and", "are", "as", "at", "be", "but", "by", "can", "did", "do", "does", "for", "from", "had",
    "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "me", "my", "no", "not", "of", "on", "or", "our",
    "so", "such", "that", "the", "their", "them", "then", "there", "these", "they", "this", "to", "was", "we", "were",
    "what", "when", "which", "who", "will", "with", "you", "your",
];

#[rustfmt::skip]
const SPANISH: &[&str] = &[
    "a", "al", "algo", "ante", "como", "con", "cual", "cuando", "cuál", "cuándo", "cómo", "de", "del", "desde",
    "donde", "dónde", "el", "ella", "ellas", "ellos", "en", "entre", "era", "es", "esa", "ese", "eso", "esta", "estas",
    "este", "esto", "estos", "está", "están", "fue", "ha", "han", "hay", "la", "las", "le", "les", "lo", "los", "me",
    "mi", "mis", "muy", "más", "ni", "no", "nos", "o", "para", "pero", "por", "porque", "que", "quien", "quién", "qué",
    "se", "ser", "si", "sin", "sobre", "son", "su", "sus", "sí", "también", "te", "tu", "tus", "un", "una", "uno",
    "unos", "y", "ya", "yo",
];
