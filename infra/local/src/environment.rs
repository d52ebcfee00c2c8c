//! The environment that a function gets: what `template.yaml` sets in the cloud, with local endpoints, and nothing of
//! ours that it does not need.

use std::collections::BTreeMap;

use crate::dynamo::CONTROL;

/// Variables and values.
pub type Environment = BTreeMap<String, String>;

/// Settings that are handed on to every function when they are set.
const FOR_ALL: [&str; 7] = [
    "AWS_LAMBDA_LOG_LEVEL",
    "CORS_ORIGIN",
    "NAVIGATOR_METRICS",
    "NAVIGATOR_POLICY",
    "NAVIGATOR_STAGE",
    "NAVIGATOR_TOTAL_BUDGET",
    "SSL_CERT_FILE",
];
const CHAT_MODEL: [&str; 3] = ["OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_URL"];
const TRANSLATORS: [&str; 3] = ["AMAZON_TRANSLATE", "APERTIUM_URL", "TRANSLATE_PROVIDERS"];
const WEB_SEARCH: [&str; 2] = ["TAVILY_API_KEY", "TAVILY_URL"];
const PASSAGES: [&str; 6] =
    ["EMBEDDING_API_KEY", "EMBEDDING_MODEL", "EMBEDDING_URL", "RERANK_API_KEY", "RERANK_MODEL", "RERANK_URL"];
/// Real credentials, for Amazon Translate only.
const CREDENTIALS: [&str; 4] = ["AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// Where the parts of the stack are.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Invoke.
    pub invoke: String,
    /// DynamoDB, when it runs.
    pub dynamo: Option<String>,
    /// Postgres as the functions' role, when there is a database.
    pub database: Option<String>,
}

/// What a function gets from the stack itself.
#[must_use]
pub fn base(function: &str, endpoints: &Endpoints) -> Environment {
    let mut environment = Environment::new();
    let mut set = |name: &str, value: &str| drop(environment.insert(name.to_owned(), value.to_owned()));
    set("AWS_REGION", "us-east-1");
    // The emulators ask for credentials and do not check them.
    set("AWS_ACCESS_KEY_ID", "local");
    set("AWS_SECRET_ACCESS_KEY", "local");
    set("AWS_EC2_METADATA_DISABLED", "true");
    set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory_mb().to_string());
    set("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true");
    set("TZ", ":UTC");
    // Nobody reads them here; they would hide the log.
    set("NAVIGATOR_METRICS", "off");
    if let Some(dynamo) = &endpoints.dynamo {
        set("AWS_ENDPOINT_URL_DYNAMODB", dynamo);
        set("CONTROL_TABLE", CONTROL);
    }
    match (function, &endpoints.database) {
        ("retrieve", Some(database)) => set("DATABASE_URL", database),
        ("orchestrate", _) => {
            set("AWS_ENDPOINT_URL_LAMBDA", &endpoints.invoke);
            for name in ["translate", "sanitize", "retrieve", "search"] {
                set(&format!("{}_FUNCTION", name.to_uppercase()), name);
            }
        }
        _ => {}
    }
    environment
}

/// What is handed on from our own environment. Without a variable its provider is not configured.
#[must_use]
pub fn inherited(function: &str) -> Environment {
    let own: &[&[&str]] = match function {
        "orchestrate" => &[&CHAT_MODEL],
        "translate" if is_set("AMAZON_TRANSLATE") => &[&TRANSLATORS, &CHAT_MODEL, &CREDENTIALS],
        "translate" => &[&TRANSLATORS, &CHAT_MODEL],
        "retrieve" => &[&PASSAGES],
        "search" => &[&WEB_SEARCH],
        _ => &[],
    };
    let names = FOR_ALL.iter().chain(own.iter().copied().flatten());
    names.filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect()
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| !value.is_empty())
}

/// Lambda gives one vCPU for 1,769 MB: as much memory as makes a function see this machine's.
fn memory_mb() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from) * 1769
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_gets_only_what_is_its_own() {
        let endpoints = Endpoints {
            invoke: "http://127.0.0.1:1".to_owned(),
            dynamo: None,
            database: Some("postgres://app@127.0.0.1/n".to_owned()),
        };
        assert!(base("retrieve", &endpoints).contains_key("DATABASE_URL"));
        assert!(!base("search", &endpoints).contains_key("DATABASE_URL"));
        assert_eq!(base("orchestrate", &endpoints)["SANITIZE_FUNCTION"], "sanitize");
        assert!(!base("translate", &endpoints).contains_key("CONTROL_TABLE"));
    }
}
