//! HTTP ↔ domain: `POST /v1/search`.

use shared::{
    contract::search::SearchRequest,
    core::Core,
    deadline::Deadline,
    phi::{self, Masked},
    problem::Problem,
    serve::{Call, Function, Reply, Route},
};

use crate::{desk::Desk, error::RequestError, html, page, provider::Inquiry};

/// Most characters in a query.
const MAX_QUERY: usize = 8_000;
/// Most results in a reply ...
const MAX_RESULTS: usize = 10;
/// ... and how many when nobody says.
const DEFAULT_RESULTS: usize = 5;

/// The function.
#[derive(Debug)]
pub struct Search {
    desk: Desk,
    core: Core,
}

impl Search {
    /// The function with its parts.
    pub fn new(desk: Desk, core: Core) -> Self {
        Self { desk, core }
    }
}

impl Function for Search {
    const NAME: &'static str = "search";
    const ROUTES: &'static [Route] = &[Route::post("/v1/search")];

    async fn handle(&self, call: Call) -> Result<Reply, Problem> {
        let inquiry = inquiry(&call.json()?)?;
        Reply::ok(&self.desk.search(&inquiry, call.deadline, &self.core.policy().search).await)
    }

    async fn missing(&self, _deadline: Deadline) -> Vec<String> {
        (!self.desk.is_configured()).then(|| "search_provider".to_owned()).into_iter().collect()
    }

    async fn warm_up(&self) {
        phi::warm_up();
        html::plain("<p>", 1);
        page::results(Vec::new(), 1);
    }
}

/// A valid request with its query masked: placeholders say nothing to a search engine.
fn inquiry(request: &SearchRequest) -> Result<Inquiry, RequestError> {
    if request.query.trim().is_empty() {
        return Err(RequestError::Empty);
    }
    if request.query.chars().nth(MAX_QUERY).is_some() {
        return Err(RequestError::TooLong(MAX_QUERY));
    }
    let max_results = request.max_results.unwrap_or(DEFAULT_RESULTS);
    if !(1..=MAX_RESULTS).contains(&max_results) {
        return Err(RequestError::ResultCount(MAX_RESULTS));
    }
    let query = Masked::of(&request.query).without_placeholders();
    Ok(Inquiry { query, max_results, recency: request.recency })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str, max_results: Option<usize>) -> SearchRequest {
        SearchRequest { query: query.to_owned(), max_results, recency: None }
    }

    #[test]
    fn the_query_that_leaves_carries_no_patient_data() {
        let inquiry = inquiry(&request("Is claim E1540137296 of 219-09-9999 payable?", None)).unwrap();
        assert_eq!(inquiry.query.as_str(), "Is claim of payable?");
        assert_eq!(inquiry.max_results, DEFAULT_RESULTS);
    }

    #[test]
    fn requests_are_bounded() {
        assert_eq!(inquiry(&request(" ", None)).unwrap_err(), RequestError::Empty);
        assert_eq!(inquiry(&request(&"x".repeat(8_001), None)).unwrap_err(), RequestError::TooLong(8_000));
        assert_eq!(inquiry(&request("x", Some(0))).unwrap_err(), RequestError::ResultCount(10));
        assert_eq!(inquiry(&request("x", Some(11))).unwrap_err(), RequestError::ResultCount(10));
    }
}
