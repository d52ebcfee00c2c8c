//! What all parts of a process share: the policy as it is now, the control table, and one door for each dependency.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use futures_util::{StreamExt, stream};

use crate::{
    clock::Wall,
    control::{Allowed, Store},
    deadline::Deadline,
    dependency::{Dependency, DependencyStatus, Fleet},
    gate::Gate,
    identity::Identity,
    metrics::Sample,
    policy::{History, Policy, PolicyError, PolicyStatus},
    watermark::Marks,
};

/// How many of the fleet's items a status reads at a time.
const LOOKS_AT_ONCE: usize = 4;

/// Made once at the start; clones share everything.
#[derive(Clone, Debug)]
pub struct Core(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    policy: ArcSwap<Policy>,
    history: History,
    fleet: Fleet,
    doors: Mutex<BTreeMap<&'static str, Dependency>>,
    gates: Mutex<BTreeMap<&'static str, Arc<Gate>>>,
    #[cfg(feature = "aws")]
    sdk: aws_config::SdkConfig,
}

impl Core {
    /// A process without the control table: its breakers and limiters stand for themselves.
    pub fn new(policy: Policy) -> Self {
        Self::sharing(policy, None)
    }

    /// A process that shares its breakers and limiters with the fleet through `store`.
    pub fn sharing(policy: Policy, store: Option<Arc<dyn Store>>) -> Self {
        Self::with(
            policy,
            store,
            #[cfg(feature = "aws")]
            aws_config::SdkConfig::builder().build(),
        )
    }

    /// A process with its own AWS settings.
    pub fn with(
        policy: Policy,
        store: Option<Arc<dyn Store>>,
        #[cfg(feature = "aws")] sdk: aws_config::SdkConfig,
    ) -> Self {
        Self::of(
            policy,
            Fleet { store, wall: Wall::System, identity: Identity::random() },
            #[cfg(feature = "aws")]
            sdk,
        )
    }

    /// A process with a clock and a chance of its own: many of them in one test.
    pub fn of(policy: Policy, fleet: Fleet, #[cfg(feature = "aws")] sdk: aws_config::SdkConfig) -> Self {
        let store = fleet.store.map(|store| Arc::new(Allowed::new(store)) as Arc<dyn Store>);
        let fleet = Fleet { store, ..fleet };
        Self(Arc::new(Parts {
            policy: ArcSwap::from_pointee(policy),
            history: History::begin(),
            fleet,
            doors: Mutex::default(),
            gates: Mutex::default(),
            #[cfg(feature = "aws")]
            sdk,
        }))
    }

    /// The core of this deployment: the policy of the environment, the table named by `CONTROL_TABLE`.
    #[cfg(feature = "dynamo")]
    pub async fn from_env() -> Result<Self, PolicyError> {
        let policy = Policy::load()?;
        let sdk = crate::aws::config(&policy).await;
        let table = crate::control::Table::from_env(&sdk, &policy);
        let door = table.as_ref().map(|table| table.dependency().clone());
        let store = table.map(|table| Arc::new(table) as Arc<dyn Store>);
        let core = Self::with(policy, store, sdk);
        if let Some(door) = door {
            core.0.doors.lock().unwrap_or_else(PoisonError::into_inner).insert(door.name(), door);
        }
        Ok(core)
    }

    /// The core of this deployment: the policy of the environment, and no control table.
    #[cfg(not(feature = "dynamo"))]
    #[expect(clippy::unused_async, reason = "one signature for all features")]
    pub async fn from_env() -> Result<Self, PolicyError> {
        Policy::load().map(Self::new)
    }

    /// Credentials and connections, shared by all AWS clients.
    #[cfg(feature = "aws")]
    pub fn sdk(&self) -> &aws_config::SdkConfig {
        &self.0.sdk
    }

    /// With the policy as shipped.
    pub fn embedded() -> Result<Self, PolicyError> {
        Policy::embedded().map(Self::new)
    }

    /// The policy as of now. One request reads it once.
    pub fn policy(&self) -> Arc<Policy> {
        self.0.policy.load_full()
    }

    /// The fleet's memory, where there is one.
    pub fn store(&self) -> Option<&Arc<dyn Store>> {
        self.0.fleet.store.as_ref()
    }

    /// The one door to `name`: all who ask share its limits.
    pub fn dependency(&self, name: &'static str) -> Dependency {
        let mut doors = self.0.doors.lock().unwrap_or_else(PoisonError::into_inner);
        doors.entry(name).or_insert_with(|| Dependency::new(name, &self.policy(), self.0.fleet.clone())).clone()
    }

    /// The door in front of the function `name`.
    pub fn gate(&self, name: &'static str) -> Arc<Gate> {
        let mut gates = self.0.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let policy = self.policy();
            let gate = Gate::new(&format!("gate/{name}"), policy.gate(name));
            gate.watch(Marks::of(&policy.service));
            Arc::new(gate)
        };
        gates.entry(name).or_insert_with(make).clone()
    }

    /// Lays a new policy under everything that is running. Nothing in flight loses its permit.
    pub fn adopt(&self, policy: Policy) {
        let policy = Arc::new(policy);
        self.0.policy.store(policy.clone());
        let doors = self.0.doors.lock().unwrap_or_else(PoisonError::into_inner);
        doors.values().for_each(|door| door.adopt(&policy));
        let gates = self.0.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.iter().for_each(|(name, gate)| {
            gate.watch(Marks::of(&policy.service));
            gate.resize(policy.gate(name));
        });
        self.0.history.adopted();
    }

    /// Notes that a new policy was refused, and why. The policy stays as it is.
    pub fn refuse(&self, why: &str) {
        self.0.history.refused(why);
    }

    /// When the policy was adopted, and which one was refused last.
    pub fn policy_status(&self) -> PolicyStatus {
        self.0.history.status()
    }

    /// Looks how the fleet's breakers and limiters are now, a few at a time.
    pub async fn look(&self, store: Deadline) {
        let doors: Vec<_> = self.0.doors.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        #[expect(clippy::disallowed_methods, reason = "with a limit, over as many doors as the policy names")]
        stream::iter(doors).for_each_concurrent(LOOKS_AT_ONCE, async |door| door.look(store).await).await;
    }

    /// The numbers of the function's gate and of all dependencies. Peaks begin anew.
    pub fn samples(&self, function: &'static str) -> Vec<Sample> {
        let gate = self.gate(function);
        let doors = self.0.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let doors = doors.values().map(|door| Sample::of_dependency(&door.status(), door.take_peak()));
        [Sample::of_gate(&gate.status(), gate.take_peak())].into_iter().chain(doors).collect()
    }

    /// All dependencies as this process sees them.
    pub fn status(&self) -> Vec<DependencyStatus> {
        let doors = self.0.doors.lock().unwrap_or_else(PoisonError::into_inner);
        doors.values().map(Dependency::status).collect()
    }
}
