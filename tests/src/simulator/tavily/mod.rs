//! Web search in Tavily's shape: `POST /search`.

mod pages;

use axum::http::Method;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use self::pages::{PAGES, Page};
use super::{received::Received, reply::Reply};

const DEFAULT_RESULTS: usize = 5;
const MAX_RESULTS: usize = 20;

#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    query: String,
    max_results: Option<usize>,
    #[serde(default)]
    include_domains: Vec<String>,
    #[serde(default)]
    exclude_domains: Vec<String>,
}

pub(super) fn answer(request: &Received) -> Reply {
    if !request.is(&Method::POST, "/search") {
        return error(404, "Not Found");
    }
    if request.bearer().is_none() {
        return error(401, "Unauthorized: missing or invalid API key.");
    }
    match Ask::deserialize(&request.json()) {
        Ok(ask) => search(&ask),
        Err(reason) => error(400, &reason.to_string()),
    }
}

/// `{"detail": {"error": message}}`.
pub(super) fn error(status: u16, message: &str) -> Reply {
    Reply::with_status(status, &json!({"detail": {"error": message}}))
}

fn search(ask: &Ask) -> Reply {
    if ask.query.trim().is_empty() {
        return error(400, "Query is missing.");
    }
    let wanted = ask.max_results.unwrap_or(DEFAULT_RESULTS);
    if wanted > MAX_RESULTS {
        return error(400, "Invalid max_results. Must be between 0 and 20.");
    }
    let found = ranked(ask);
    let results: Vec<_> = found.iter().take(wanted).map(|(page, score)| result(page, *score)).collect();
    Reply::json(&json!({
        "query": ask.query,
        "follow_up_questions": null,
        "answer": null,
        "images": [],
        "results": results,
        "response_time": 0.01,
    }))
}

/// Pages that share a word with the query and pass the domain filters, the best first.
fn ranked(ask: &Ask) -> Vec<(&'static Page, f64)> {
    let query = words(&ask.query);
    let mut found: Vec<_> = PAGES
        .iter()
        .filter(|page| permitted(page, ask))
        .map(|page| (page, overlap(&query, page)))
        .filter(|(_, score)| *score > 0.0)
        .collect();
    found.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    found
}

fn permitted(page: &Page, ask: &Ask) -> bool {
    let within = |domains: &[String]| domains.iter().any(|domain| belongs(page.url, domain));
    (ask.include_domains.is_empty() || within(&ask.include_domains)) && !within(&ask.exclude_domains)
}

/// True for the domain itself and its subdomains.
fn belongs(url: &str, domain: &str) -> bool {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let rest = host.strip_suffix(domain);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The share of the query's words that the page has, 0 to 1.
fn overlap(query: &[String], page: &Page) -> f64 {
    let page = words(&format!("{} {}", page.title, page.content));
    let shared = query.iter().filter(|word| page.contains(word)).count();
    let per_mille = (shared * 1_000).checked_div(query.len()).unwrap_or_default();
    f64::from(u16::try_from(per_mille).unwrap_or(u16::MAX)) / 1_000.0
}

/// Lower-case words of four letters or more: the shorter ones say little.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 3)
        .map(str::to_owned)
        .collect()
}

fn result(page: &Page, score: f64) -> Value {
    json!({
        "title": page.title,
        "url": page.url,
        "content": page.content,
        "score": score,
        "raw_content": null,
        "published_date": page.published,
    })
}
