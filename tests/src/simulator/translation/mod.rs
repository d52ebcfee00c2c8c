//! Translation that is honest about being none: the text comes back whole, behind a mark that names the target.
//!
//! Marking is reversible: a text that carries a mark loses it, so that there and back again gives the original.

pub(super) mod apertium;
pub(super) mod chat;
pub(super) mod libretranslate;

const OPEN: &str = "«simulated ";
const CLOSE: &str = "» ";

/// `Hello` to `es` is `«simulated es» Hello`; a marked text comes back bare.
pub(super) fn mark(target: &str, text: &str) -> String {
    match original(text) {
        Some(original) => original.to_owned(),
        None => format!("{OPEN}{target}{CLOSE}{text}"),
    }
}

fn original(text: &str) -> Option<&str> {
    let (_target, original) = text.strip_prefix(OPEN)?.split_once(CLOSE)?;
    Some(original)
}
