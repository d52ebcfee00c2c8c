//! What can be wrong with a request. All of it is the caller's to change.

use shared::{phi::VaultError, problem::Problem};

/// A request that cannot be served as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The text is longer than allowed, in characters.
    #[error("`text`: at most {0} characters")]
    TooLong(usize),
    /// The map is not a vault.
    #[error("`vault`: {0}")]
    Vault(#[from] VaultError),
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::TooLong(limit) => Self::too_large("text", limit, "characters"),
            RequestError::Vault(reason) => Self::invalid("vault", &reason.to_string()),
        }
    }
}
