//! Who may call the gateway, in the place of API Gateway's API keys and authorizers.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

/// Whom the gateway lets in.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everyone: for functions that run with `AUTH=none`.
    Open,
    /// API key (header `x-api-key`) to the id of the key.
    ApiKeys(BTreeMap<String, String>),
    /// Bearer token to the claims that a JWT authorizer would have found in it.
    Tokens(BTreeMap<String, Value>),
}

/// What the gateway vouches for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The id of the API key, never the key.
    pub api_key_id: Option<String>,
    /// `requestContext.authorizer`.
    pub authorizer: Map<String, Value>,
}

/// Why a request does not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No token, or none that is known: 401.
    Unauthorized,
    /// No API key, or none that is known: API Gateway says 403.
    Forbidden,
}

impl Identity {
    /// Nobody in particular.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { api_key_id: None, authorizer: Map::new() }
    }
}

impl Access {
    /// Who sent these headers.
    ///
    /// # Errors
    /// [`Denied`] when the headers do not say.
    pub fn identify(&self, headers: &HeaderMap) -> Result<Identity, Denied> {
        match self {
            Self::Open => Ok(Identity::anonymous()),
            Self::ApiKeys(keys) => {
                let key = headers.get("x-api-key").and_then(|key| key.to_str().ok());
                let id = key.and_then(|key| keys.get(key)).ok_or(Denied::Forbidden)?;
                Ok(Identity { api_key_id: Some(id.clone()), authorizer: Map::new() })
            }
            Self::Tokens(tokens) => {
                let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
                let claims = token.and_then(|token| tokens.get(token)).ok_or(Denied::Unauthorized)?;
                let authorizer = Map::from_iter([("claims".to_owned(), json!(claims))]);
                Ok(Identity { api_key_id: None, authorizer })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn api_keys_are_known_by_their_id() {
        let access = Access::ApiKeys(BTreeMap::from([("secret".to_owned(), "key-1".to_owned())]));
        assert_eq!(access.identify(&headers("x-api-key", "secret")).unwrap().api_key_id.as_deref(), Some("key-1"));
        assert_eq!(access.identify(&headers("x-api-key", "guess")).unwrap_err(), Denied::Forbidden);
        assert_eq!(access.identify(&HeaderMap::new()).unwrap_err(), Denied::Forbidden);
    }

    #[test]
    fn claims_come_from_the_token_only() {
        let access = Access::Tokens(BTreeMap::from([("t".to_owned(), json!({"sub": "ann"}))]));
        let identity = access.identify(&headers("authorization", "Bearer t")).unwrap();
        assert_eq!(identity.authorizer["claims"]["sub"], "ann");
        assert_eq!(access.identify(&headers("authorization", "Bearer u")).unwrap_err(), Denied::Unauthorized);
    }
}
