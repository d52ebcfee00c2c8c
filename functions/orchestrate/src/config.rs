//! Settings: the peers to invoke, the chat model, the control table.

use shared::{core::Core, invoke::Peer, model::ChatModel, serve::StartError};

/// What orchestrate works with. A part that is not configured is absent.
#[derive(Clone, Debug)]
pub struct Config {
    /// The function named by `SANITIZE_FUNCTION`.
    pub sanitize: Option<Peer>,
    /// The function named by `TRANSLATE_FUNCTION`.
    pub translate: Option<Peer>,
    /// The function named by `RETRIEVE_FUNCTION`.
    pub retrieve: Option<Peer>,
    /// The function named by `SEARCH_FUNCTION`.
    pub search: Option<Peer>,
    /// The model of `OPENAI_API_KEY`, `OPENAI_URL` and `OPENAI_MODEL`.
    pub model: Option<ChatModel>,
}

impl Config {
    /// Reads the environment; builds each client once.
    ///
    /// # Errors
    /// When `OPENAI_URL` is not an address.
    pub fn from_env(core: &Core) -> Result<Self, StartError> {
        let peer = |name, variable| Peer::from_env(name, variable, core);
        Ok(Self {
            sanitize: peer("sanitize", "SANITIZE_FUNCTION"),
            translate: peer("translate", "TRANSLATE_FUNCTION"),
            retrieve: peer("retrieve", "RETRIEVE_FUNCTION"),
            search: peer("search", "SEARCH_FUNCTION"),
            model: ChatModel::from_env(core).map_err(|error| StartError::Variable(error.to_string()))?,
        })
    }
}
