//! The limits of outside services: defaults by kind, and what a name overrides. What each number means stands in
//! infra/policy.yaml.
#![expect(missing_docs, reason = "the fields are documented once, beside their values in infra/policy.yaml")]

use std::{collections::BTreeMap, time::Duration};

use jiff::fmt::serde::unsigned_duration::{optional as maybe_duration, required as duration};
use serde::Deserialize;

use super::tree::{Content, Node};

/// What an override says about the dependency itself; the rest are its limits.
const ABOUT: [&str; 4] = ["kind", "used_by", "allows", "per_request"];

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependencies {
    pub kinds: Kinds,
    pub overrides: BTreeMap<String, Known>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kinds {
    pub provider: DependencyLimits,
    pub peer: DependencyLimits,
    pub store: DependencyLimits,
}

/// What kind of service it is; a name that the policy does not know is a provider's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    #[default]
    Provider,
    Peer,
    Store,
}

/// A dependency that the policy names, with the limits of its kind where it has none of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    #[serde(default)]
    pub kind: Kind,
    /// Which functions call it: the fleet that shares its limits.
    #[serde(default)]
    pub used_by: Vec<String>,
    #[serde(default)]
    pub allows: Allows,
    /// Calls that one request may have in flight at once; a call of translate has `translate.chunks_at_once`.
    #[serde(default = "one")]
    pub per_request: usize,
    pub limits: DependencyLimits,
}

/// What the other side allows all of us together; what is absent has no bound that we know of. Only the proof of
/// capacity reads it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Allows {
    pub in_flight: Option<usize>,
    pub per_minute: Option<u32>,
    pub reads_per_second: Option<u32>,
    pub writes_per_second: Option<u32>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct DependencyLimits {
    #[serde(with = "duration")]
    pub timeout: Duration,
    pub concurrent: usize,
    pub queue: usize,
    pub adaptive: bool,
    pub breaker: BreakerLimits,
    pub rate: Option<RateLimits>,
    pub tokens: Option<RateLimits>,
    pub retry: RetryLimits,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct BreakerLimits {
    pub scope: Scope,
    pub mode: BreakerMode,
    pub failure_threshold: u32,
    #[serde(with = "duration")]
    pub failure_window: Duration,
    pub failure_ratio: Option<f64>,
    #[serde(default, with = "maybe_duration")]
    pub slow_call_threshold: Option<Duration>,
    pub slow_call_ratio: f64,
    pub minimum_throughput: u32,
    #[serde(with = "duration")]
    pub sampling_duration: Duration,
    #[serde(with = "duration")]
    pub recovery_timeout: Duration,
    pub reopen_multiplier: u32,
    #[serde(with = "duration")]
    pub max_recovery_timeout: Duration,
    pub half_open_calls: u32,
    #[serde(with = "duration")]
    pub probe_timeout: Duration,
    #[serde(with = "duration")]
    pub permit_ttl: Duration,
    pub without_store: BreakerWithoutStore,
}

/// Who shares a breaker's or limiter's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Fleet,
    Process,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerMode {
    Enforce,
    MetricsOnly,
    Disabled,
}

/// What a breaker does that has never seen the control table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerWithoutStore {
    Open,
    Local,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RateLimits {
    pub limit: u32,
    #[serde(with = "duration")]
    pub per: Duration,
    pub algorithm: Algorithm,
    pub burst: u32,
    pub scope: Scope,
    #[serde(with = "duration")]
    pub max_wait: Duration,
    pub without_store: RateWithoutStore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Never more than `limit` in any window.
    Window,
    /// A bucket that refills evenly (GCRA).
    Bucket,
}

/// What a fleet-wide limiter does while the control table is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateWithoutStore {
    LocalShare,
    Refuse,
    Admit,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RetryLimits {
    pub attempts: u32,
    #[serde(with = "duration")]
    pub base: Duration,
    #[serde(with = "duration")]
    pub cap: Duration,
    pub budget_ratio: f64,
    pub budget_reserve: u32,
    pub hedge: bool,
}

fn one() -> usize {
    1
}

impl Dependencies {
    /// Gives every override the limits of its kind, and lays its own over them.
    pub(super) fn resolve(policy: &mut Node) {
        let path = |last: &str| ["dependencies".to_owned(), last.to_owned()];
        let Some(kinds) = policy.at(&path("kinds")).cloned() else { return };
        let Some(overrides) = policy.at_mut(&path("overrides")).and_then(Node::entries) else { return };
        for known in overrides.values_mut() {
            let shell = known.clone();
            let Some(own) = known.entries() else { continue };
            let about: Vec<_> = ABOUT.iter().filter_map(|key| own.remove_entry(*key)).collect();
            let kind = about
                .iter()
                .find(|(key, _)| key == "kind")
                .and_then(|(_, kind)| Some(kind.value().as_str()?.to_owned()));
            // An unknown kind is reported where it stands.
            let limits = kinds.child(kind.as_deref().unwrap_or("provider")).or_else(|| kinds.child("provider"));
            let Some(mut limits) = limits.cloned() else { continue };
            limits.merge(Node { content: Content::Map(std::mem::take(own)), ..shell });
            own.extend(about);
            own.insert("limits".to_owned(), limits);
        }
    }
}
