//! A request for passages, parsed and bounded.

use shared::contract::retrieve::{Filter, RetrieveRequest};

use crate::{
    document::{DEFAULT_COLLECTION, identifier, language_tag},
    error::Error,
    store::Scope,
};

const LONGEST_QUERY: usize = 8_000;
const DEFAULT_K: usize = 5;
const MOST_PASSAGES: usize = 50;
const MOST_PER_DOCUMENT: usize = 10;
const MOST_IDS: usize = 100;
const LONGEST_PREFIX: usize = 2_048;

/// What to look for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The question.
    pub text: String,
    /// The same in the asker's language, when that is another text.
    pub original: Option<String>,
    /// How many passages.
    pub k: usize,
    /// Whether to order what was found anew, by all that is known of it.
    pub rerank: bool,
    /// Where; its depth is `k`.
    pub scope: Scope,
}

impl Query {
    /// Checks a request.
    pub fn new(request: RetrieveRequest) -> Result<Self, Error> {
        let text = question("query", request.query)?;
        let original = request.original_query.map(|original| question("original_query", original)).transpose()?;
        let k = within("k", request.k.unwrap_or(DEFAULT_K), MOST_PASSAGES)?;
        let per_document = within("per_document", request.per_document.unwrap_or(1), MOST_PER_DOCUMENT)?;
        let collection = identifier("collection", request.collection.as_deref().unwrap_or(DEFAULT_COLLECTION))?;
        let filter = filter(request.filter.unwrap_or_default())?;
        let scope = Scope { collection, filter, per_document, depth: k, least: k };
        Ok(Self {
            original: original.filter(|original| *original != text),
            text,
            k,
            rerank: request.rerank.unwrap_or(true),
            scope,
        })
    }

    /// The question and its original.
    pub fn texts(&self) -> Vec<&str> {
        std::iter::once(self.text.as_str()).chain(self.original.as_deref()).collect()
    }
}

fn question(field: &'static str, text: String) -> Result<String, Error> {
    if text.trim().is_empty() {
        return Err(Error::invalid(field, "expected some text"));
    }
    if text.contains('\0') {
        return Err(Error::invalid(field, "has a NUL character"));
    }
    if text.chars().count() > LONGEST_QUERY {
        return Err(Error::TooLarge { field, limit: LONGEST_QUERY, unit: "characters" });
    }
    Ok(text)
}

fn within(field: &str, value: usize, most: usize) -> Result<usize, Error> {
    if (1..=most).contains(&value) { Ok(value) } else { Err(Error::invalid(field, &format!("expected 1 to {most}"))) }
}

fn filter(filter: Filter) -> Result<Filter, Error> {
    let language = filter.language.map(|language| language_tag("filter.language", &language)).transpose()?;
    let document_ids = filter.document_ids.as_deref().map(ids).transpose()?;
    if filter.url_prefix.as_deref().is_some_and(|prefix| prefix.len() > LONGEST_PREFIX || prefix.contains('\0')) {
        return Err(Error::invalid("filter.url_prefix", "expected the beginning of a URL"));
    }
    Ok(Filter { language, document_ids, url_prefix: filter.url_prefix })
}

fn ids(ids: &[String]) -> Result<Vec<String>, Error> {
    if !(1..=MOST_IDS).contains(&ids.len()) {
        return Err(Error::invalid("filter.document_ids", &format!("expected 1 to {MOST_IDS} ids")));
    }
    ids.iter().map(|id| identifier("filter.document_ids", id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut RetrieveRequest)) -> String {
        let mut request = RetrieveRequest { query: "what is a copay".into(), ..RetrieveRequest::default() };
        change(&mut request);
        match Query::new(request).unwrap_err() {
            Error::Invalid { field, .. } => field,
            Error::TooLarge { field, .. } => field.to_owned(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        assert_eq!(refused(|r| r.query = " ".into()), "query");
        assert_eq!(refused(|r| r.query = "é".repeat(LONGEST_QUERY + 1)), "query");
        assert_eq!(refused(|r| r.original_query = Some("a\0".into())), "original_query");
        assert_eq!(refused(|r| r.k = Some(0)), "k");
        assert_eq!(refused(|r| r.k = Some(51)), "k");
        assert_eq!(refused(|r| r.per_document = Some(11)), "per_document");
        assert_eq!(refused(|r| r.collection = Some("a b".into())), "collection");
        let ids = |ids: Vec<String>| Some(Filter { document_ids: Some(ids), ..Filter::default() });
        assert_eq!(refused(|r| r.filter = ids(vec![])), "filter.document_ids");
        assert_eq!(refused(|r| r.filter = ids(vec!["x".into(); 101])), "filter.document_ids");
        assert_eq!(
            refused(|r| r.filter = Some(Filter { language: Some("?".into()), ..Filter::default() })),
            "filter.language"
        );
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let query =
            Query::new(RetrieveRequest { query: "q".into(), original_query: Some("q".into()), ..Default::default() });
        let query = query.unwrap();
        assert_eq!((query.k, query.scope.per_document, query.scope.collection.as_str()), (5, 1, "default"));
        assert_eq!(query.original, None, "the same text is not searched twice");
    }
}
