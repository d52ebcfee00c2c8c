//! The parts put together: stores, functions, Invoke and gateway, each of which can be stopped and started by itself.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use local::{cluster::Cluster, stack::{DatabaseChoice, Stack, StackConfig}};
//! let mut config = StackConfig::new(local::stack::binaries()?);
//! config.database = DatabaseChoice::Fresh(Cluster::from_url(&std::env::var("NAVIGATOR_TEST_POSTGRES")?)?);
//! config.set("retrieve", "MODEL_DIR", "/opt/model");
//! let stack = Stack::start(config).await?;
//! println!("{}", stack.gateway_url());
//! stack.stop().await?;
//! # Ok(()) }
//! ```

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::access::Access;
use crate::cluster::{Cluster, DATABASE};
use crate::dynamo::{Dynamo, DynamoConfig};
use crate::environment::{Endpoints, Environment, base};
use crate::function::{Function, FunctionConfig};
use crate::lifeline::Lifeline;
use crate::postgres::{Postgres, PostgresConfig};
use crate::process::raise_file_limit;
use crate::server::Server;
use crate::{gateway, invoke_api, migrate};

/// The functions, as binaries and by name.
pub const FUNCTIONS: [&str; 5] = ["translate", "sanitize", "retrieve", "search", "orchestrate"];

/// How long a function may take until it asks for work: loading a model included.
const START_PATIENCE: Duration = Duration::from_secs(30);

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
        let function = |name: &str| (name.to_owned(), FunctionChoice::new(binaries.join(name), name));
        Self {
            functions: FUNCTIONS.into_iter().map(function).collect(),
            database: DatabaseChoice::None,
            dynamo: Some(DynamoConfig {
                state: None,
                port: 0,
                also_listen: None,
            }),
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
        Self {
            binary,
            env,
            concurrency,
            queue: 256,
            timeout: Duration::from_secs(seconds),
        }
    }
}

/// The folder of the built binaries: that of this executable, or for a test the one above.
///
/// # Errors
/// When the executable has no path.
pub fn binaries() -> Result<PathBuf> {
    let executable = std::env::current_exe().context("cannot tell where this program is")?;
    let folder = executable.parent().context("this program has no folder")?;
    let is_test = folder
        .file_name()
        .is_some_and(|name| name == "deps" || name == "examples");
    Ok(if is_test {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    }
    .to_owned())
}

/// A running stack. Dropping it kills what it started; [`Stack::stop`] ends it properly.
#[derive(Debug)]
pub struct Stack {
    gateway: Server,
    invoke: Server,
    functions: BTreeMap<String, Function>,
    dynamo: Option<Dynamo>,
    postgres: Option<Postgres>,
    temporary: Option<(Cluster, String)>,
    endpoints: Endpoints,
}

impl Stack {
    /// Starts everything and waits until every function asks for work.
    ///
    /// # Errors
    /// One line about the first part that does not start. What had started is stopped.
    pub async fn start(config: StackConfig) -> Result<Self> {
        raise_file_limit();
        let lifeline = Lifeline::start().context("cannot run sh")?;
        let gateway = listen(config.port).await?;
        let invoke = listen(config.invoke_port).await?;
        let (stores, dynamo) = tokio::join!(Stores::start(config.database, &lifeline), start_dynamo(config.dynamo));
        let (stores, dynamo) = (stores?, dynamo?);
        let endpoints = Endpoints {
            invoke: format!("http://{}", invoke.local_addr()?),
            dynamo: dynamo.as_ref().map(Dynamo::url),
            database: stores.url,
        };
        let functions = functions(config.functions, &endpoints, &lifeline, config.echo)?;
        let names = functions
            .iter()
            .map(|(name, function)| (name.clone(), Arc::clone(function.invocations())));
        let by_name = Arc::new(names.collect::<BTreeMap<_, _>>());
        let invoke = invoke_api::serve(invoke, Arc::clone(&by_name))?;
        let gateway = gateway::serve(gateway, by_name, config.access)?;
        let (postgres, temporary) = (stores.postgres, stores.temporary);
        let stack = Self {
            gateway,
            invoke,
            functions,
            dynamo,
            postgres,
            temporary,
            endpoints,
        };
        stack.ready().await?;
        Ok(stack)
    }

    /// `http://127.0.0.1:port` of the API.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        self.gateway.url()
    }

    /// The endpoint of Invoke.
    #[must_use]
    pub fn invoke_url(&self) -> String {
        self.invoke.url()
    }

    /// The endpoint of DynamoDB.
    #[must_use]
    pub fn dynamo_url(&self) -> Option<&str> {
        self.endpoints.dynamo.as_deref()
    }

    /// The database as the functions see it.
    #[must_use]
    pub fn database_url(&self) -> Option<&str> {
        self.endpoints.database.as_deref()
    }

    /// DynamoDB, to be stopped and resumed.
    #[must_use]
    pub fn dynamo(&self) -> Option<&Dynamo> {
        self.dynamo.as_ref()
    }

    /// Postgres, when it is the stack's own, to be stopped, crashed and resumed.
    #[must_use]
    pub fn postgres(&self) -> Option<&Postgres> {
        self.postgres.as_ref()
    }

    /// A function, to be stopped, killed, frozen and started.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    /// All functions.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    /// Stops everything in order: no new requests, functions, stores.
    ///
    /// # Errors
    /// When a temporary database cannot be dropped.
    pub async fn stop(self) -> Result<()> {
        let Self {
            gateway,
            invoke,
            functions,
            dynamo,
            postgres,
            temporary,
            ..
        } = self;
        drop(gateway);
        let mut stopping: JoinSet<()> = functions
            .into_values()
            .map(|function| async move { function.stop().await })
            .collect();
        while stopping.join_next().await.is_some() {}
        drop(invoke);
        if let Some(dynamo) = dynamo {
            dynamo.stop().await;
        }
        if let Some((cluster, database)) = temporary {
            cluster.drop_database(&database).await?;
        }
        if let Some(postgres) = postgres {
            postgres.stop().await;
        }
        Ok(())
    }

    async fn ready(&self) -> Result<()> {
        for function in self.functions.values() {
            function.start();
        }
        for function in self.functions.values() {
            function.ready(START_PATIENCE).await?;
        }
        Ok(())
    }
}

/// What `DatabaseChoice` led to.
struct Stores {
    postgres: Option<Postgres>,
    temporary: Option<(Cluster, String)>,
    url: Option<String>,
}

impl Stores {
    async fn start(choice: DatabaseChoice, lifeline: &Arc<Lifeline>) -> Result<Self> {
        match choice {
            DatabaseChoice::None => Ok(Self {
                postgres: None,
                temporary: None,
                url: None,
            }),
            DatabaseChoice::Url(url) => Ok(Self {
                postgres: None,
                temporary: None,
                url: Some(url),
            }),
            DatabaseChoice::Fresh(cluster) => {
                let database = cluster.fresh_database().await?;
                let url = Some(cluster.app_url(&database));
                Ok(Self {
                    postgres: None,
                    temporary: Some((cluster, database)),
                    url,
                })
            }
            DatabaseChoice::Own(config) => {
                let postgres = migrated(config, lifeline).await?;
                let url = Some(postgres.cluster().app_url(DATABASE));
                Ok(Self {
                    postgres: Some(postgres),
                    temporary: None,
                    url,
                })
            }
        }
    }
}

/// Postgres with the application's database at the newest migration.
///
/// # Errors
/// When it does not start, or a migration fails.
pub async fn migrated(config: PostgresConfig, lifeline: &Arc<Lifeline>) -> Result<Postgres> {
    let postgres = Postgres::start(config, Arc::clone(lifeline)).await?;
    postgres.cluster().ensure_database(DATABASE).await?;
    migrate::migrate(&postgres.cluster().owner_url(DATABASE), &migrate::folder()).await?;
    Ok(postgres)
}

async fn start_dynamo(config: Option<DynamoConfig>) -> Result<Option<Dynamo>> {
    match config {
        Some(config) => Ok(Some(Dynamo::start(config).await?)),
        None => Ok(None),
    }
}

async fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("cannot listen on port {port}"))
}

fn functions(
    choices: BTreeMap<String, FunctionChoice>,
    endpoints: &Endpoints,
    lifeline: &Arc<Lifeline>,
    echo: bool,
) -> Result<BTreeMap<String, Function>> {
    let make = |(name, choice): (String, FunctionChoice)| {
        let mut env = base(&name, endpoints);
        env.extend(choice.env);
        let FunctionChoice {
            binary,
            concurrency,
            queue,
            timeout,
            ..
        } = choice;
        let config = FunctionConfig {
            name: name.clone(),
            binary,
            env,
            concurrency,
            queue,
            timeout,
        };
        Ok((name, Function::new(config, Arc::clone(lifeline), echo)?))
    };
    choices.into_iter().map(make).collect()
}
