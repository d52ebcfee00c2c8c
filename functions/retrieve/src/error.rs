//! What can go wrong, by what the asker can do about it.

use shared::{dependency::CallError, http::HttpFault, postgres::DatabaseFault, problem::Problem};

use crate::{embedding::EmbeddingError, service};

/// What is ours to wait for is over soon.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// Why retrieve has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is wrong: which field, and what was expected.
    #[error("`{field}`: {expected}")]
    Invalid {
        /// The field at fault.
        field: String,
        /// What would be right.
        expected: String,
    },
    /// A field is longer than allowed.
    #[error("`{field}`: at most {limit} {unit}")]
    TooLarge {
        /// The field at fault.
        field: &'static str,
        /// The limit.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
    /// The media type cannot be read.
    #[error("expected {0}")]
    UnsupportedMedia(&'static str),
    /// The principal may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is nothing by that name, or nothing that the principal can see.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// The embedding model is needed and not there.
    #[error("the embedding model is {0}")]
    NoModel(&'static str),
    /// The embedding model did not embed.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// The collection has passages, and none of them was embedded by the model that asks.
    #[error("the collection was embedded by another model")]
    ModelMismatch,
    /// No database is configured.
    #[error("no database is configured")]
    NoDatabase,
    /// The database did not do its part.
    #[error(transparent)]
    Database(#[from] CallError<DatabaseFault>),
    /// A service of a third party did not do its part.
    #[error(transparent)]
    Service(#[from] CallError<HttpFault>),
}

impl Error {
    /// `field` is not what was `expected`.
    pub fn invalid(field: &str, expected: &str) -> Self {
        Self::Invalid { field: field.to_owned(), expected: expected.to_owned() }
    }

    /// A stable word for `degraded`, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid { .. } | Self::TooLarge { .. } | Self::UnsupportedMedia(_) => "invalid",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::NoModel(reason) => reason,
            Self::Embedding(error) => error.reason(),
            Self::ModelMismatch => "model_mismatch",
            Self::NoDatabase => "not_configured",
            Self::Database(CallError::Fault { source, .. }) => source.reason(),
            Self::Database(error) => error.reason(),
            Self::Service(error) => service::reason(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let reason = error.reason();
        match error {
            Error::Invalid { field, expected } => Self::invalid(&field, &expected),
            Error::TooLarge { field, limit, unit } => Self::too_large(field, limit, unit),
            Error::UnsupportedMedia(expected) => Self::unsupported_media(expected),
            Error::Forbidden(what) => Self::forbidden(what),
            Error::NotFound(what) => Self::not_found(what),
            Error::NoModel(_) | Error::Embedding(EmbeddingError::Failed) => {
                Self::unavailable("embedding_model", reason)
            }
            Error::Embedding(EmbeddingError::Overloaded(full)) => full.into(),
            Error::Embedding(EmbeddingError::Service { retry_after, .. }) => {
                Self { retry_after, ..Self::unavailable("embeddings", reason) }
            }
            Error::Embedding(EmbeddingError::TooMuch { percent }) => {
                let of_it = "% of this one is what a request has time for; `ingest` takes it whole";
                Self { field: None, ..Self::too_large("document", percent as usize, of_it) }
            }
            Error::ModelMismatch => Self::unavailable("embedding_model", reason),
            Error::Embedding(EmbeddingError::Late(late)) => Self::deadline(late.0),
            Error::NoDatabase => Self::unavailable("postgres", reason),
            Error::Database(CallError::Fault { dependency, source: DatabaseFault::Statement(cause) }) => {
                tracing::error!(dependency, cause = %describe(&cause), "a statement was refused");
                Self::internal()
            }
            // Our own pool is the limit: waiting helps.
            Error::Database(CallError::Fault { source: DatabaseFault::Exhausted, .. }) => Self::overloaded(RETRY_AFTER),
            Error::Database(CallError::Expired { .. }) => Self::deadline("postgres"),
            Error::Database(CallError::Refused { retry_after, .. } | CallError::RateLimited { retry_after, .. }) => {
                Self::overloaded(retry_after)
            }
            Error::Database(error) => {
                Self { retry_after: error.retry_after(), ..Self::unavailable("postgres", reason) }
            }
            Error::Service(error) => {
                Self { retry_after: error.retry_after(), ..Self::unavailable(error.dependency(), reason) }
            }
        }
    }
}

/// The server's code and the object concerned. Its message may quote a value, and a value may be a patient's.
fn describe(cause: &tokio_postgres::Error) -> String {
    let Some(error) = cause.as_db_error() else { return "not a server error".to_owned() };
    format!("{} table {:?} constraint {:?}", error.code().code(), error.table(), error.constraint())
}
