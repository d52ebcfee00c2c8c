//! Retrieve as a whole, and requests as API Gateway sends them. Needs `MODEL_DIR`.

use std::collections::BTreeMap;

use lambda_http::Request;
use retrieve::{config::Config, handler::Retrieve};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::{core::Core, postgres::Database, principal::Auth, serve::Server};

use crate::support::TestDatabase;

/// The function on `database`, for bearers of tokens.
pub fn function(database: &TestDatabase, core: &Core) -> Server<Retrieve> {
    let model_dir = std::env::var_os("MODEL_DIR").unwrap().into();
    let database = Some(Database::new(&SecretString::from(database.app_url()), core).unwrap());
    let config = Config { database, model_dir, embeddings: None, reranker: None };
    Server::new(Retrieve::new(config, core.clone()), core.clone(), Auth::Jwt, None)
}

/// As API Gateway sends it for the bearer of a token with a scope.
pub fn request(asker: &str, scope: &str, method: &str, path: &str, body: &Value) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: BTreeMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let lists: BTreeMap<_, _> = query.iter().map(|(name, value)| (name, [value])).collect();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let claims = json!({"sub": asker, "scope": scope});
    let event = json!({
        "resource": path, "path": path, "httpMethod": method, "body": body, "isBase64Encoded": false,
        "headers": {"content-type": "application/json"}, "multiValueHeaders": {},
        "queryStringParameters": query, "multiValueQueryStringParameters": lists,
        "pathParameters": {}, "stageVariables": {},
        "requestContext": {
            "stage": "", "path": path, "resourcePath": path, "httpMethod": method, "requestId": "a",
            "requestTimeEpoch": 0, "identity": {}, "authorizer": {"claims": claims},
        },
    });
    lambda_http::request::from_str(&event.to_string()).unwrap()
}
