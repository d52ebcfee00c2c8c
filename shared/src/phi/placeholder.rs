//! The grammar of placeholders: `[SSN_1]`. One place decides what counts as one, for masking, escaping and restoring
//! alike: whatever [`find`] accepts is escaped when a stranger wrote it, so a forged placeholder restores to itself.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::kind::Kind;

/// Highest number a placeholder carries.
pub(super) const MAX_NUMBER: u16 = 9_999;

/// What stands in for a value once the vault is full: it cannot be restored.
pub const REDACTED: &str = "[REDACTED]";

/// The stand-in for one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placeholder {
    /// What it stands for.
    pub kind: Kind,
    /// Counts from 1 within a kind.
    pub number: u16,
}

impl Placeholder {
    /// Reads the exact form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let found = find(text).next()?;
        (found.1.to_string() == text).then_some(found.1)
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{}_{}]", self.kind.label(), self.number)
    }
}

/// Placeholders in a text, with their byte ranges: case and inner spaces do not matter, since language models and
/// translators change both.
pub(super) fn find(text: &str) -> impl Iterator<Item = (Range<usize>, Placeholder)> + '_ {
    SHAPE.as_ref().into_iter().flat_map(move |shape| shape.captures_iter(text)).filter_map(|captures| {
        let number = captures.get(2)?.as_str().parse().ok().filter(|number| (1..=MAX_NUMBER).contains(number))?;
        let kind = Kind::from_label(captures.get(1)?.as_str())?;
        Some((captures.get(0)?.range(), Placeholder { kind, number }))
    })
}

static SHAPE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\[[ \t]{0,3}([A-Za-z]{2,8})[ \t]{0,3}[_ ][ \t]{0,3}([0-9]{1,4})[ \t]{0,3}\]").ok());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerates_case_and_spaces_but_not_unknown_kinds() {
        let found: Vec<_> = find("[SSN_1] [ ssn _ 2 ] [Dob 3] [NOTE_1] [SSN_0]").map(|(_, p)| p.to_string()).collect();
        assert_eq!(found, ["[SSN_1]", "[SSN_2]", "[DOB_3]"]);
    }

    #[test]
    fn parses_only_the_exact_form() {
        assert_eq!(Placeholder::parse("[MBI_12]"), Some(Placeholder { kind: Kind::Mbi, number: 12 }));
        assert_eq!(Placeholder::parse("[mbi_12]"), None);
        assert_eq!(Placeholder::parse("x[MBI_12]"), None);
        assert_eq!(Placeholder::parse("[MBI_012]"), None);
    }
}
