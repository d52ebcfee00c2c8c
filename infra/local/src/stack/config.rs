//! What a stack is made of.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::access::Access;
use crate::cluster::Cluster;
use crate::dynamo::DynamoConfig;
use crate::environment::Environment;
use crate::postgres::PostgresConfig;

/// The functions, as binaries and by name.
pub const FUNCTIONS: [&str; 5] = ["translate", "sanitize", "retrieve", "search", "orchestrate"];

/// Where `retrieve` finds its documents.
#[derive(Clone, Debug)]
pub enum DatabaseChoice {
    /// Nowhere: `DATABASE_URL` is not set.
    None,
    /// In a copy of the migrated template on a running server, dropped again at the end.
    Fresh(Cluster),
    /// In a cluster that starts and stops with the stack.
    Own(PostgresConfig),
    /// Wherever this URL leads.
    Url(String),
}

/// How one function is run.
#[derive(Clone, Debug)]
pub struct FunctionChoice {
    /// The built binary.
    pub binary: PathBuf,
    /// Set over what the stack sets.
    pub env: Environment,
    /// Requests that its process works on at once.
    pub concurrency: u32,
    /// Invocations that may wait for it.
    pub queue: usize,
    /// Lambda's timeout.
    pub timeout: Duration,
}

/// What the stack consists of.
#[derive(Clone, Debug)]
pub struct StackConfig {
    /// By name. Without one of them, its routes answer 503.
    pub functions: BTreeMap<String, FunctionChoice>,
    /// Where documents live.
    pub database: DatabaseChoice,
    /// DynamoDB; without it the functions have no control table.
    pub dynamo: Option<DynamoConfig>,
    /// Whom the gateway lets in. The functions' `AUTH` has to fit.
    pub access: Access,
    /// The gateway's port; 0 takes a free one.
    pub port: u16,
    /// Invoke's port; 0 takes a free one.
    pub invoke_port: u16,
    /// Whether what functions write goes to standard error.
    pub echo: bool,
}

impl StackConfig {
    /// All five functions from a folder of binaries, open to everyone, with DynamoDB in memory, without a database,
    /// on free ports.
    #[must_use]
    pub fn new(binaries: PathBuf) -> Self {
        let function = move |name: &str| (name.to_owned(), FunctionChoice::new(binaries.join(name), name));
        Self {
            functions: FUNCTIONS.into_iter().map(function).collect(),
            database: DatabaseChoice::None,
            dynamo: Some(DynamoConfig { state: None, port: 0, also_listen: None }),
            access: Access::Open,
            port: 0,
            invoke_port: 0,
            echo: false,
        }
    }

    /// Sets a variable of one function.
    pub fn set(&mut self, function: &str, variable: &str, value: &str) {
        if let Some(function) = self.functions.get_mut(function) {
            function.env.insert(variable.to_owned(), value.to_owned());
        }
    }

    /// Sets a variable of all functions.
    pub fn set_all(&mut self, variable: &str, value: &str) {
        for function in self.functions.values_mut() {
            function.env.insert(variable.to_owned(), value.to_owned());
        }
    }
}

impl FunctionChoice {
    /// A binary with the bounds of a function of that name, and `AUTH=none`.
    #[must_use]
    pub fn new(binary: PathBuf, name: &str) -> Self {
        let env = Environment::from([("AUTH".to_owned(), "none".to_owned())]);
        // Orchestrate streams for up to a minute, the others answer within API Gateway's 29 s.
        let (concurrency, seconds) = if name == "orchestrate" { (160, 65) } else { (96, 29) };
        Self { binary, env, concurrency, queue: 256, timeout: Duration::from_secs(seconds) }
    }
}

/// The folder of the built binaries: that of this executable, or for a test the one above.
///
/// # Errors
/// When the executable has no path.
pub fn binaries() -> Result<PathBuf> {
    let executable = std::env::current_exe().context("cannot tell where this program is")?;
    let folder = executable.parent().context("this program has no folder")?;
    let is_test = folder.file_name().is_some_and(|name| name == "deps" || name == "examples");
    Ok(if is_test { folder.parent().unwrap_or(folder) } else { folder }.to_owned())
}
