//! The settings of this function, read once at the start.

use std::{env, sync::Arc};

use secrecy::SecretString;
use shared::{core::Core, serve::StartError};

use crate::{provider::SearchProvider, tavily::Tavily};

/// Where Tavily answers unless the environment says otherwise.
const TAVILY_URL: &str = "https://api.tavily.com";

/// Which provider there is.
#[derive(Debug)]
pub struct Settings {
    /// `TAVILY_API_KEY`: without it nothing is searched.
    pub key: Option<SecretString>,
    /// `TAVILY_URL`: its address; default `https://api.tavily.com`.
    pub url: String,
}

impl Settings {
    /// Reads the environment.
    pub fn from_env() -> Self {
        let url = variable("TAVILY_URL").unwrap_or_else(|| TAVILY_URL.to_owned());
        Self { key: variable("TAVILY_API_KEY").map(SecretString::from), url }
    }

    /// The provider, when there is a key for one.
    ///
    /// # Errors
    /// When the address is not one; the error names its variable.
    pub fn provider(self, core: &Core) -> Result<Option<Arc<dyn SearchProvider>>, StartError> {
        let Some(key) = self.key else { return Ok(None) };
        let tavily = Tavily::new(&key, &self.url, core).map_err(|error| StartError::Variable(error.to_string()))?;
        Ok(Some(Arc::new(tavily)))
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
