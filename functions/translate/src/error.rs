//! What can be wrong with a request. All of it is the caller's to change.

use shared::problem::Problem;

/// A request that cannot be served as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Neither `text` nor `texts`, or both.
    #[error("`text`: expected either text or texts")]
    TextOrTexts,
    /// `texts` is empty or longer than allowed.
    #[error("`texts`: expected 1 to {0} texts")]
    TextCount(usize),
    /// A text is longer than allowed, in characters.
    #[error("`{field}`: at most {limit} characters")]
    TooLong {
        /// The field.
        field: &'static str,
        /// How long it may be.
        limit: usize,
    },
    /// A language that is not known.
    #[error("`{0}`: unknown language; expected a two-letter code such as es")]
    UnknownLanguage(&'static str),
    /// Detection of nothing.
    #[error("`text`: expected some text")]
    Empty,
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::TextOrTexts => Self::invalid("text", "expected either text or texts"),
            RequestError::TextCount(limit) => Self::invalid("texts", &format!("expected 1 to {limit} texts")),
            RequestError::TooLong { field, limit } => Self::too_large(field, limit, "characters"),
            RequestError::UnknownLanguage(field) => {
                Self::invalid(field, "unknown language; expected a two-letter code such as es")
            }
            RequestError::Empty => Self::invalid("text", "expected some text"),
        }
    }
}
