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

mod config;
mod stores;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::dynamo::{Dynamo, DynamoConfig};
use crate::environment::{Endpoints, base};
use crate::function::{Function, FunctionConfig};
use crate::lifeline::Lifeline;
use crate::postgres::Postgres;
use crate::process::raise_file_limit;
use crate::server::Server;
use crate::{gateway, invoke_api};

pub use config::{DatabaseChoice, FUNCTIONS, FunctionChoice, StackConfig, binaries};
use stores::Stores;
pub use stores::migrated;

/// How long a function may take until it asks for work: loading a model included.
const START_PATIENCE: Duration = Duration::from_secs(30);

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
        let names = functions.iter().map(|(name, function)| (name.clone(), Arc::clone(function.invocations())));
        let by_name = Arc::new(names.collect::<BTreeMap<_, _>>());
        let invoke = invoke_api::serve(invoke, Arc::clone(&by_name))?;
        let gateway = gateway::serve(gateway, by_name, config.access)?;
        let (postgres, temporary) = (stores.postgres, stores.temporary);
        let stack = Self { gateway, invoke, functions, dynamo, postgres, temporary, endpoints };
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
        let Self { gateway, invoke, functions, dynamo, postgres, temporary, .. } = self;
        drop(gateway);
        let mut stopping: JoinSet<()> =
            functions.into_values().map(|function| async move { function.stop().await }).collect();
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

async fn start_dynamo(config: Option<DynamoConfig>) -> Result<Option<Dynamo>> {
    match config {
        Some(config) => Ok(Some(Dynamo::start(config).await?)),
        None => Ok(None),
    }
}

async fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| format!("cannot listen on port {port}"))
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
        let FunctionChoice { binary, concurrency, queue, timeout, .. } = choice;
        let config = FunctionConfig { name: name.clone(), binary, env, concurrency, queue, timeout };
        Ok((name, Function::new(config, Arc::clone(lifeline), echo)?))
    };
    choices.into_iter().map(make).collect()
}
