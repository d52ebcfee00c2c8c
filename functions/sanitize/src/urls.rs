//! Addresses that could carry data away or lead somewhere unwanted: removed from answers and from what others wrote.
//!
//! A link is kept when it is `https`, names its host plainly, and its query is short and holds no placeholder.
//! Images are never kept: a chat window fetches them without a click.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

/// Longest query that a kept link may have.
const MAX_QUERY: usize = 64;
/// What stands where a link was.
const REMOVED: &str = "[link removed]";

/// Why a link was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An image, loaded without a click.
    Image,
    /// Anything but `https`.
    Scheme,
    /// A name or password before the host.
    UserInfo,
    /// A number instead of a name, or none.
    Host,
    /// A long query, or one with a placeholder: room for data.
    Query,
}

impl Reason {
    /// The rule's stable name.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Image => "URL-1",
            Self::Scheme => "URL-2",
            Self::UserInfo => "URL-3",
            Self::Host => "URL-4",
            Self::Query => "URL-5",
        }
    }
}

/// The links of `text` that must not stay, as byte ranges.
pub fn find(text: &str) -> Vec<(Range<usize>, Reason)> {
    let links = LINK.iter().flat_map(|link| link.find_iter(text));
    links.filter_map(|found| reason(found.as_str()).map(|reason| (found.range(), reason))).collect()
}

/// `text` without those links.
pub fn remove(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut copied = 0;
    for (range, _) in find(text) {
        kept.push_str(&text[copied..range.start]);
        kept.push_str(REMOVED);
        copied = range.end;
    }
    kept.push_str(&text[copied..]);
    kept
}

fn reason(link: &str) -> Option<Reason> {
    if link.starts_with("![") || link.starts_with('<') {
        return Some(Reason::Image);
    }
    let lower = link.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("https://") else {
        return Some(Reason::Scheme);
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Some(Reason::UserInfo);
    }
    let host = authority.split(':').next().unwrap_or_default();
    if !host.contains('.') || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Some(Reason::Host);
    }
    let query = path.split_once('?').map_or("", |(_, query)| query);
    (query.len() > MAX_QUERY || path.contains('[') || path.contains("%5b")).then_some(Reason::Query)
}

static LINK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let image = r"!\[[^\]\n]*\]\([^)\n]*\)|<img(?-u:\b)[^>]*>";
    let address = r#"(?-u:\b)(?:https?|ftp|file|ws|wss)://[^\s<>"'`)]+(?:\[[A-Z]+_\d+\])?[^\s<>"'`)\].,;!?]*|(?-u:\b)(?:javascript|vbscript|data):[^\s<>"'`]{4,}"#;
    Regex::new(&format!("(?i){image}|{address}")).ok()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_links_stay() {
        let text = "See https://www.medicare.gov/appeals?lang=es, or (https://example.org/a).";
        assert_eq!(remove(text), text);
    }

    #[test]
    fn what_could_leak_goes() {
        let cases = [
            ("![x](https://evil.example/p?d=1)", Reason::Image),
            ("http://example.org", Reason::Scheme),
            ("javascript:alert(1)", Reason::Scheme),
            ("https://medicare.gov@evil.example/", Reason::UserInfo),
            ("https://203.0.113.7/x", Reason::Host),
            ("https://evil.example/?ssn=[SSN_1]", Reason::Query),
        ];
        for (text, reason) in cases {
            let found: Vec<_> = find(text).into_iter().map(|(_, reason)| reason).collect();
            assert_eq!(found, [reason], "{text}");
            assert_eq!(remove(text), REMOVED, "{text}");
        }
    }
}
