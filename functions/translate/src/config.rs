//! The settings of this function, read once at the start.

use std::{env, sync::Arc};

use shared::{core::Core, http::BadAddress, model::ChatModel, serve::StartError};

use crate::provider::{Translator, amazon::Amazon, apertium::Apertium, openai::OpenAi};

/// Which providers there are and in which order they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `TRANSLATE_PROVIDERS`: names among `amazon`, `openai`, `apertium`, separated by commas; default that order.
    pub order: Vec<Engine>,
    /// `AMAZON_TRANSLATE=on`: Amazon Translate is used. Texts are sent there, so it is never on by itself.
    pub amazon: bool,
    /// `APERTIUM_URL`: an APy server, such as `http://127.0.0.1:2737`; absent: not used.
    pub apertium_url: Option<String>,
}

/// A kind of provider. The chat model has its own variables (`OPENAI_URL`, `OPENAI_API_KEY`, `OPENAI_MODEL`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Amazon Translate.
    Amazon,
    /// An OpenAI-compatible chat model.
    OpenAi,
    /// Apertium APy.
    Apertium,
}

const DEFAULT_ORDER: &str = "amazon,openai,apertium";

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable has a value that is not understood; the error names it.
    pub fn from_env() -> Result<Self, StartError> {
        let order = variable("TRANSLATE_PROVIDERS").unwrap_or_else(|| DEFAULT_ORDER.to_owned());
        Ok(Self {
            order: order.split(',').map(Engine::parse).collect::<Result<_, _>>()?,
            amazon: amazon(variable("AMAZON_TRANSLATE").as_deref())?,
            apertium_url: variable("APERTIUM_URL"),
        })
    }

    /// The configured providers in order. One that is not configured is left out.
    ///
    /// # Errors
    /// When an address is not one; the error names its variable.
    pub fn providers(&self, core: &Core) -> Result<Vec<Arc<dyn Translator>>, StartError> {
        let mut providers: Vec<Arc<dyn Translator>> = Vec::new();
        for engine in &self.order {
            providers.extend(self.provider(*engine, core).map_err(|error| StartError::Variable(error.to_string()))?);
        }
        Ok(providers)
    }

    fn provider(&self, engine: Engine, core: &Core) -> Result<Option<Arc<dyn Translator>>, BadAddress> {
        Ok(match engine {
            Engine::Amazon => self.amazon.then(|| Arc::new(Amazon::new(core)) as Arc<dyn Translator>),
            Engine::OpenAi => {
                ChatModel::from_env(core)?.map(|model| Arc::new(OpenAi::new(model)) as Arc<dyn Translator>)
            }
            Engine::Apertium => match &self.apertium_url {
                Some(url) => Some(Arc::new(Apertium::new(url, core)?)),
                None => None,
            },
        })
    }
}

impl Engine {
    fn parse(name: &str) -> Result<Self, StartError> {
        match name.trim() {
            "amazon" => Ok(Self::Amazon),
            "openai" => Ok(Self::OpenAi),
            "apertium" => Ok(Self::Apertium),
            _ => Err(StartError::Variable(
                "TRANSLATE_PROVIDERS: expected names among amazon, openai, apertium".to_owned(),
            )),
        }
    }
}

fn amazon(value: Option<&str>) -> Result<bool, StartError> {
    match value {
        Some("on") => Ok(true),
        Some("off") | None => Ok(false),
        Some(_) => Err(StartError::Variable("AMAZON_TRANSLATE: expected on or off".to_owned())),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_value_names_its_variable() {
        assert!(Engine::parse("deepl").unwrap_err().to_string().starts_with("TRANSLATE_PROVIDERS:"));
        assert!(amazon(Some("yes")).unwrap_err().to_string().starts_with("AMAZON_TRANSLATE:"));
    }

    #[test]
    fn the_default_order_is_understood() {
        let order: Result<Vec<_>, _> = DEFAULT_ORDER.split(',').map(Engine::parse).collect();
        assert_eq!(order.unwrap(), [Engine::Amazon, Engine::OpenAi, Engine::Apertium]);
    }
}
