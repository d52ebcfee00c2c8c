//! Plain text out of what may be HTML: tags and scripts go, entities are read, white space is one space.

use std::sync::LazyLock;

use regex::Regex;

/// Plain text of at most `limit` characters.
pub fn plain(text: &str, limit: usize) -> String {
    let without_markup = MARKUP.as_ref().map_or_else(|| text.into(), |markup| markup.replace_all(text, " "));
    let decoded =
        ENTITIES.iter().fold(without_markup.into_owned(), |text, (entity, letter)| text.replace(entity, letter));
    let visible = decoded.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let words = visible.collect::<String>();
    let spaced = words.split_whitespace().collect::<Vec<_>>().join(" ");
    spaced.chars().take(limit).collect()
}

static MARKUP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?is)<(?:script|style|noscript)\b.*?</(?:script|style|noscript)\s*>|<!--.*?-->|</?[a-z][^>]*>").ok()
});

/// The ampersand last, or `&amp;lt;` would become markup.
const ENTITIES: [(&str, &str); 6] =
    [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_words_stay() {
        let html = "<p>Plan&nbsp;G &amp; <b>you</b></p><script>alert('x')</script>\u{7}\n 1 < 2";
        assert_eq!(plain(html, 100), "Plan G & you 1 < 2");
        assert_eq!(plain("&amp;lt;b>", 100), "&lt;b>");
    }

    #[test]
    fn the_limit_counts_characters() {
        assert_eq!(plain("ééééé", 3), "ééé");
    }
}
