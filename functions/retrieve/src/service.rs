//! A service of a third party that retrieve may be given: where it is, what it is called by, and why it has no answer.

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use shared::{
    core::Core,
    deadline::Deadline,
    dependency::{CallError, Effect},
    http::{Ask, BadAddress, HttpFault, Partner, Payload},
};

/// What a service is called: by the policy, and by the environment.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// In the policy.
    pub dependency: &'static str,
    /// The variable with its address.
    pub url: &'static str,
    /// The variable with its key. Without one, none is sent: servers of one's own have none.
    pub key: &'static str,
    /// The variable with the model to ask for.
    pub model: &'static str,
}

/// What the variables say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its address, the version included.
    pub url: String,
    /// Its key.
    pub key: Option<SecretString>,
    /// The model to ask for.
    pub model: String,
}

/// A client of the service. Clones share connections and limits.
#[derive(Clone, Debug)]
pub struct Service {
    partner: Partner,
    authorization: Option<SecretString>,
    model: String,
}

impl Settings {
    /// Reads the environment. None without an address or a model; one without the other is a mistake, and is logged.
    pub fn from_env(names: &Names) -> Option<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let (url, model) = (variable(names.url), variable(names.model));
        if url.is_some() != model.is_some() {
            let missing = if url.is_none() { names.url } else { names.model };
            tracing::warn!(service = names.dependency, missing, "the service is not used");
        }
        Some(Self { url: url?, key: variable(names.key).map(SecretString::from), model: model? })
    }
}

impl Service {
    /// The service of `settings`. Fails when its address is not one; connects to nothing.
    pub fn new(names: &Names, settings: Settings, core: &Core) -> Result<Self, BadAddress> {
        let Settings { url, key, model } = settings;
        let authorization = key.map(|key| SecretString::from(format!("Bearer {}", key.expose_secret())));
        Ok(Self { partner: Partner::new(names.dependency, names.url, &url, core)?, authorization, model })
    }

    /// The model that is asked for.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Posts `body`, which weighs some `tokens`, and returns what `understand` makes of the reply; one that it makes
    /// nothing of is a fault of the service.
    pub async fn post<B: Serialize, T: DeserializeOwned, U>(
        &self,
        deadline: Deadline,
        path: &str,
        (body, tokens): (&B, u32),
        understand: impl Fn(T) -> Option<U>,
    ) -> Result<U, CallError<HttpFault>> {
        let headers = self.authorization.iter().map(|key| ("authorization", key)).collect();
        let ask = Ask { method: Method::POST, path, headers, body: Payload::Json(body), effect: Effect::Idempotent };
        self.partner.json_read(deadline, &ask, tokens, understand).await
    }
}

/// What texts may weigh; the service's own tokens are not known here.
pub fn tokens<'a>(texts: impl IntoIterator<Item = &'a str>) -> u32 {
    u32::try_from(texts.into_iter().map(tokens_of).sum::<usize>()).unwrap_or(u32::MAX)
}

/// About four characters are a token (OpenAI, "What are tokens and how to count them?").
pub fn tokens_of(text: &str) -> usize {
    text.len().div_ceil(4)
}

/// A stable word for why there is no answer. What the service refuses for our own fault has words of its own.
pub fn reason(error: &CallError<HttpFault>) -> &'static str {
    let CallError::Fault { source: HttpFault::Status { status, .. }, .. } = error else { return error.reason() };
    match status {
        401 | 403 => "unauthorized",
        402 => "quota",
        400 | 404..=428 | 430 | 431 => "rejected",
        _ => error.reason(),
    }
}
