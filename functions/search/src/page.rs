//! From what an engine says of a page to what may be shown: parsed, bounded, cleaned, once.

use std::collections::HashSet;

use shared::contract::search::WebResult;

use crate::{html, provider::RawPage, trust};

const MAX_TITLE: usize = 300;
const MAX_CONTENT: usize = 2_000;
const MAX_PUBLISHED: usize = 40;
const MAX_URL: usize = 2_048;

/// The pages that can be shown, in order, each address once, at most `limit`.
pub fn results(pages: Vec<RawPage>, limit: usize) -> Vec<WebResult> {
    let mut seen = HashSet::new();
    let shown = pages.into_iter().filter_map(result);
    shown.filter(|result| seen.insert(identity(&result.url))).take(limit).collect()
}

fn result(page: RawPage) -> Option<WebResult> {
    let host = host(&page.url)?;
    let content = html::plain(&page.content, MAX_CONTENT);
    let title = html::plain(&page.title, MAX_TITLE);
    if content.is_empty() {
        return None;
    }
    Some(WebResult {
        title: if title.is_empty() { host.clone() } else { title },
        content,
        score: if page.score.is_finite() { page.score.clamp(0.0, 1.0) } else { 0.0 },
        trust: trust::of_host(&host),
        published: page.published.map(|date| html::plain(&date, MAX_PUBLISHED)).filter(|date| !date.is_empty()),
        url: page.url,
    })
}

/// The host, in lower case, of an address that a reader may be sent to: `http` or `https`, a name and no number, no
/// user before it, nothing that is not printable ASCII.
fn host(url: &str) -> Option<String> {
    let printable = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"'`\\".contains(&byte));
    if !printable || url.len() > MAX_URL {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (name, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_name = name.split('.').count() > 1 && name.split('.').all(is_label);
    let top = name.rsplit('.').next().is_some_and(|top| top.bytes().any(|byte| byte.is_ascii_alphabetic()));
    (is_name && top && port.parse::<u16>().is_ok()).then_some(name)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// What makes two addresses the same page: scheme, fragment and a last slash do not count.
fn identity(url: &str) -> String {
    let page = url.split('#').next().unwrap_or(url);
    let rest = page.split_once("://").map_or(page, |(_, rest)| rest);
    rest.trim_end_matches('/').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use shared::contract::search::Trust;

    use super::*;

    fn page(url: &str) -> RawPage {
        RawPage { url: url.to_owned(), content: "text".to_owned(), score: 7.0, ..RawPage::default() }
    }

    #[test]
    fn unsafe_addresses_are_dropped() {
        let urls = [
            "javascript:alert(1)",
            "ftp://example.org/x",
            "https://user@example.org/",
            "https://203.0.113.7/",
            "https://localhost/",
            "https://exa mple.org",
            "https:///x",
            "//example.org",
            "https://example.org:99999/",
            "https://[::1]/",
        ];
        assert!(results(urls.map(page).into(), 10).is_empty());
    }

    #[test]
    fn a_page_is_shown_once_and_bounded() {
        let mut long = page("https://www.CMS.gov/a/");
        long.content = "é".repeat(5_000);
        let shown = results(vec![long, page("http://www.cms.gov/a#top"), page("https://example.org/b")], 10);
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0].content.chars().count(), MAX_CONTENT);
        assert_eq!((shown[0].trust, shown[0].title.as_str()), (Trust::Government, "www.cms.gov"));
        assert!((shown[0].score - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn pages_without_words_say_nothing() {
        let empty = RawPage { content: "<p> </p>".to_owned(), ..page("https://example.org") };
        assert!(results(vec![empty], 10).is_empty());
    }
}
