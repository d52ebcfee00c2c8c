//! The one page of limits: `infra/policy.yaml`, typed, embedded in the binary and validated at start-up.
//!
//! A file named by `NAVIGATOR_POLICY` is laid over the embedded one: it holds only what differs.

mod dependencies;
mod limits;
mod validate;

use std::{path::Path, time::Duration};

pub use dependencies::*;
pub use limits::*;
use serde_json::Value;

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
    /// Not YAML.
    #[error("the policy is not valid YAML: {0}")]
    Syntax(String),
    /// A field is missing, unknown or of the wrong type.
    #[error("the policy does not have the expected form: {0}")]
    Form(#[from] serde_json::Error),
    /// Values that contradict each other; all of them at once.
    #[error("the policy contradicts itself: {}", .0.join("; "))]
    Rules(Vec<String>),
    /// An environment variable that overrides a limit has a bad value.
    #[error("{0}: expected a duration such as 20s")]
    Variable(&'static str),
}

impl Policy {
    /// The policy of this process: embedded, with `NAVIGATOR_POLICY` and `NAVIGATOR_TOTAL_BUDGET` laid over it.
    pub fn load() -> Result<Self, PolicyError> {
        let overlay = std::env::var("NAVIGATOR_POLICY").ok().filter(|path| !path.is_empty());
        let mut policy = match overlay {
            Some(path) => Self::overlaid(&read(Path::new(&path))?)?,
            None => Self::embedded()?,
        };
        policy.lengthen(std::env::var("NAVIGATOR_TOTAL_BUDGET").ok().as_deref())?;
        Ok(policy)
    }

    /// The policy as shipped.
    pub fn embedded() -> Result<Self, PolicyError> {
        Self::overlaid("{}")
    }

    /// The shipped policy with `overlay` (YAML) laid over it.
    pub fn overlaid(overlay: &str) -> Result<Self, PolicyError> {
        let mut value = parse(EMBEDDED)?;
        merge(&mut value, parse(overlay)?);
        Dependencies::resolve(&mut value);
        let policy: Self = serde_json::from_value(value)?;
        let broken = validate::rules(&policy);
        if broken.is_empty() { Ok(policy) } else { Err(PolicyError::Rules(broken)) }
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

    /// `sam local` pays a container start in the first calls: one variable lengthens every ceiling on the way.
    fn lengthen(&mut self, total: Option<&str>) -> Result<(), PolicyError> {
        let Some(total) = total.filter(|text| !text.is_empty()) else { return Ok(()) };
        let span: jiff::SignedDuration = total.parse().map_err(|_| PolicyError::Variable("NAVIGATOR_TOTAL_BUDGET"))?;
        let total = Duration::try_from(span).map_err(|_| PolicyError::Variable("NAVIGATOR_TOTAL_BUDGET"))?;
        self.stretch(total);
        Ok(())
    }
}

fn read(path: &Path) -> Result<String, PolicyError> {
    std::fs::read_to_string(path).map_err(|source| PolicyError::Unreadable { path: path.display().to_string(), source })
}

fn parse(yaml: &str) -> Result<Value, PolicyError> {
    serde_saphyr::from_str(yaml).map_err(|error| PolicyError::Syntax(error.to_string()))
}

/// Lays `over` on `base`: maps are merged, all else is replaced.
fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (base, over) => *base = over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policy_is_valid() {
        let policy = Policy::embedded().unwrap();
        assert_eq!(policy.service.total, Duration::from_secs(3));
        assert_eq!(policy.dependency("openai").rate.as_ref().map(|rate| rate.limit), Some(60));
    }

    #[test]
    fn an_overlay_changes_only_what_it_names() {
        let policy = Policy::overlaid("functions: {orchestrate: {gate: {in_flight_per_vcpu: 25}}}\nvcpu: 2").unwrap();
        assert_eq!(policy.gate("orchestrate").in_flight, 50);
        assert_eq!(policy.functions.orchestrate.budget, Duration::from_secs(3));
    }

    #[test]
    fn unknown_dependencies_get_the_defaults() {
        let policy = Policy::embedded().unwrap();
        assert_eq!(*policy.dependency("something_new"), policy.dependencies.kinds.provider);
    }

    #[test]
    fn a_misspelt_field_is_refused_by_name() {
        let refused = Policy::overlaid("service: {totl: 3s}").unwrap_err().to_string();
        assert!(refused.contains("totl"), "{refused}");
    }

    #[test]
    fn all_contradictions_are_reported_at_once() {
        let refused = Policy::overlaid("orchestrate: {parallel_tools: 0, waves: 0}").unwrap_err().to_string();
        assert!(refused.contains("waves") && refused.contains("parallel_tools"), "{refused}");
    }
}
