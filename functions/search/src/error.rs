//! What can be wrong with a request. All of it is the caller's to change.

use shared::problem::Problem;

/// A request that cannot be served as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Nothing to look for.
    #[error("`query`: expected some text")]
    Empty,
    /// The query is longer than allowed, in characters.
    #[error("`query`: at most {0} characters")]
    TooLong(usize),
    /// The number of results is out of range.
    #[error("`max_results`: expected 1 to {0}")]
    ResultCount(usize),
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Empty => Self::invalid("query", "expected some text"),
            RequestError::TooLong(limit) => Self::too_large("query", limit, "characters"),
            RequestError::ResultCount(limit) => Self::invalid("max_results", &format!("expected 1 to {limit}")),
        }
    }
}
