//! The one page of limits: `infra/policy.yaml`, typed, embedded in the binary and validated at start-up.
//!
//! What differs in a stage or a deployment is laid over it ([`Sources`]). All that is wrong is reported at once, by
//! file, line and column ([`Violation`]); a good policy may take the place of another while requests are in flight
//! ([`live`]).

mod dependencies;
mod form;
mod history;
mod limits;
pub mod live;
mod rules;
mod sources;
mod tree;
mod violation;

use std::path::Path;

pub use dependencies::*;
pub(crate) use history::History;
pub use history::{PolicyStatus, Refusal};
pub use limits::*;
pub use sources::{PolicyFile, Sources};
pub use violation::{Violation, Violations};

use crate::gate::GateLimits;

const EMBEDDED: &str = include_str!("../../../infra/policy.yaml");
/// vCPUs of a Lambda function by its memory: one for each 1,769 MB.
const MEGABYTES_PER_VCPU: usize = 1_769;

/// Why a policy was refused.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file named by `NAVIGATOR_POLICY` cannot be read.
    #[error("NAVIGATOR_POLICY: {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Not YAML, not of the expected form, or contradicting itself: all of it, with places.
    #[error("the policy is refused:\n{0}")]
    Refused(Violations),
    /// An environment variable that overrides a limit has a bad value.
    #[error("{0}: expected a duration such as 20s")]
    Variable(&'static str),
}

impl Policy {
    /// The policy of this process, from the environment.
    pub fn load() -> Result<Self, PolicyError> {
        let sources = Sources::from_env();
        match PolicyFile::named() {
            Some(path) => sources.with(PolicyFile::read(Path::new(&path))?).policy(),
            None => sources.policy(),
        }
    }

    /// The policy as shipped.
    pub fn embedded() -> Result<Self, PolicyError> {
        Sources::shipped().policy()
    }

    /// The shipped policy with `overlay` (YAML) laid over it.
    pub fn overlaid(overlay: &str) -> Result<Self, PolicyError> {
        Sources::shipped().with(PolicyFile { name: "overlay".to_owned(), text: overlay.to_owned() }).policy()
    }

    /// vCPUs of this process: the policy's, else Lambda's memory share, else what the machine has.
    pub fn vcpu(&self) -> usize {
        let memory = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok().and_then(|mb| mb.parse::<usize>().ok());
        let detected = || match memory {
            Some(megabytes) => (megabytes / MEGABYTES_PER_VCPU).max(1),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        self.vcpu.unwrap_or_else(detected)
    }

    /// The limits of one function; `name` is one of the five.
    pub fn function(&self, name: &str) -> &FunctionLimits {
        match name {
            "translate" => &self.functions.translate,
            "sanitize" => &self.functions.sanitize,
            "retrieve" => &self.functions.retrieve,
            "search" => &self.functions.search,
            _ => &self.functions.orchestrate,
        }
    }

    /// The gate of one function, sized for this process.
    pub fn gate(&self, name: &str) -> GateLimits {
        let gate = &self.function(name).gate;
        let in_flight = (gate.in_flight_per_vcpu * self.vcpu()).max(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "both factors are validated as small"
        )]
        let queue = (in_flight as f64 * gate.queue_ratio).round() as usize;
        GateLimits { in_flight, queue, max_wait: gate.max_wait, adaptive: gate.adaptive }
    }

    /// The limits of a dependency: its own, or those of a provider.
    pub fn dependency(&self, name: &str) -> &DependencyLimits {
        self.dependencies.overrides.get(name).map_or(&self.dependencies.kinds.provider, |known| &known.limits)
    }

    /// How many environments may share a dependency's limits: the reserved concurrency of all functions that use it.
    pub fn environments(&self, name: &str) -> usize {
        let users = self.dependencies.overrides.get(name).map_or(&[][..], |known| &known.used_by);
        users.iter().map(|function| self.function(function).reserved_concurrency).sum::<usize>().max(1)
    }
}

#[cfg(test)]
mod tests;
