//! Who asks: made once at the edge, honoured by every function behind it.

use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequestContext;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// The scope that may write documents which everybody can read.
pub const SHARE_DOCUMENTS: &str = "documents:share";

/// The asker and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// JWT `sub`, API-key id, or `local`. It owns private documents.
    pub subject: String,
    /// What they may do beyond asking.
    pub scopes: Vec<String>,
}

/// How a request shows who sent it. API Gateway checks it; the function reads the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Nobody is asked: for one's own machine.
    None,
    /// An API key; its id is the subject.
    ApiKey,
    /// A JWT authorizer; its `sub` is the subject.
    Jwt,
}

impl Auth {
    /// Reads `AUTH`; API keys unless it says otherwise.
    pub fn from_env() -> Result<Self, String> {
        match std::env::var("AUTH").as_deref() {
            Ok("none") => Ok(Self::None),
            Ok("jwt") => Ok(Self::Jwt),
            Ok("api_key" | "") | Err(_) => Ok(Self::ApiKey),
            Ok(_) => Err("AUTH: expected none, api_key or jwt".to_owned()),
        }
    }

    /// The principal of a request from outside.
    pub fn identify(self, context: Option<&ApiGatewayProxyRequestContext>) -> Result<Principal, Problem> {
        let subject = match self {
            Self::None => return Ok(Principal::local()),
            Self::ApiKey => context.and_then(|context| context.identity.api_key_id.clone()),
            Self::Jwt => context.and_then(jwt_subject),
        };
        let subject = subject.filter(|subject| !subject.is_empty()).ok_or_else(Problem::unauthorized)?;
        Ok(Principal { subject, scopes: context.map(jwt_scopes).unwrap_or_default() })
    }
}

impl Principal {
    /// The only user of one's own machine: may do everything.
    pub fn local() -> Self {
        Self { subject: "local".to_owned(), scopes: vec![SHARE_DOCUMENTS.to_owned()] }
    }

    /// Whether `scope` was granted.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

fn claim<'a>(context: &'a ApiGatewayProxyRequestContext, name: &str) -> Option<&'a str> {
    context.authorizer.fields.get("claims")?.get(name)?.as_str()
}

fn jwt_subject(context: &ApiGatewayProxyRequestContext) -> Option<String> {
    claim(context, "sub").map(str::to_owned)
}

fn jwt_scopes(context: &ApiGatewayProxyRequestContext) -> Vec<String> {
    claim(context, "scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}
