//! The types of `infra/policy.yaml`, in its order. What each number means stands there.
#![expect(missing_docs, reason = "the fields are documented once, beside their values in infra/policy.yaml")]

use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::required as duration;
use serde::Deserialize;

use super::Dependencies;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub vcpu: Option<usize>,
    pub service: Service,
    pub functions: Functions,
    pub orchestrate: Orchestrate,
    pub sanitize: Sanitize,
    pub translate: Translate,
    pub retrieve: Retrieve,
    pub search: Search,
    pub lambda: Lambda,
    pub postgres: Postgres,
    pub http: Http,
    pub dependencies: Dependencies,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    #[serde(with = "duration")]
    pub total: Duration,
    #[serde(with = "duration")]
    pub stream: Duration,
    #[serde(with = "duration")]
    pub lambda_margin: Duration,
    #[serde(with = "duration")]
    pub drain: Duration,
    #[serde(with = "duration")]
    pub health: Duration,
    #[serde(with = "duration")]
    pub health_cache: Duration,
    #[serde(with = "duration")]
    pub store_allowance: Duration,
    pub max_body_bytes: usize,
    pub max_reply_bytes: usize,
    pub warn_ratio: f64,
    pub clear_ratio: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Functions {
    pub orchestrate: FunctionLimits,
    pub translate: FunctionLimits,
    pub sanitize: FunctionLimits,
    pub retrieve: FunctionLimits,
    pub search: FunctionLimits,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionLimits {
    pub reserved_concurrency: usize,
    #[serde(with = "duration")]
    pub budget: Duration,
    pub gate: GatePolicy,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatePolicy {
    pub in_flight_per_vcpu: usize,
    pub queue_ratio: f64,
    #[serde(with = "duration")]
    pub max_wait: Duration,
    pub adaptive: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orchestrate {
    pub waves: usize,
    pub parallel_tools: usize,
    #[serde(with = "duration")]
    pub wave: Duration,
    #[serde(with = "duration")]
    pub translate_in: Duration,
    #[serde(with = "duration")]
    pub translate_out: Duration,
    #[serde(with = "duration")]
    pub sanitize: Duration,
    #[serde(with = "duration")]
    pub compose: Duration,
    pub reserved: Reserved,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserved {
    #[serde(with = "duration")]
    pub sanitize_answer: Duration,
    #[serde(with = "duration")]
    pub translate_back: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sanitize {
    #[serde(with = "duration")]
    pub heuristics: Duration,
    pub heuristics_pool_max: usize,
    #[serde(with = "duration")]
    pub classifier: Duration,
    pub classifier_pool_max: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Translate {
    #[serde(with = "duration")]
    pub attempt: Duration,
    pub cpu_pool_max: usize,
    pub chunks_at_once: usize,
    pub cache_entries: u64,
    #[serde(with = "duration")]
    pub cache_ttl: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retrieve {
    #[serde(with = "duration")]
    pub cache: Duration,
    #[serde(with = "duration")]
    pub embedding: Duration,
    #[serde(with = "duration")]
    pub knn: Duration,
    #[serde(with = "duration")]
    pub lexical: Duration,
    #[serde(with = "duration")]
    pub rerank: Duration,
    #[serde(with = "duration")]
    pub target_p95: Duration,
    pub embedding_threads: Option<usize>,
    pub embedding_queue: usize,
    pub embedding_quantized: bool,
    pub cache_bytes: u64,
    pub cache_entries: u64,
    #[serde(with = "duration")]
    pub cache_ttl: Duration,
    #[serde(with = "duration")]
    pub document_write: Duration,
    pub document_share: f64,
    pub max_document_bytes: usize,
    pub fusion: Fusion,
    pub reranking: Reranking,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fusion {
    pub dense: f64,
    pub rank: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reranking {
    pub dense: f64,
    pub lexical: f64,
    pub feedback: f64,
    pub brevity: f64,
    pub phrase: f64,
    pub form: f64,
    pub definition: f64,
    pub foreign: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    #[serde(with = "duration")]
    pub search: Duration,
    #[serde(with = "duration")]
    pub parse: Duration,
    pub cache_entries: u64,
    #[serde(with = "duration")]
    pub cache_ttl: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lambda {
    pub account_concurrency: usize,
    pub unreserved_concurrency: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    pub max_connections: usize,
    pub kept_free: usize,
    pub connections_on_classic_lambda: usize,
    pub connections_on_a_server: usize,
    #[serde(with = "duration")]
    pub wait: Duration,
    #[serde(with = "duration")]
    pub connect: Duration,
    #[serde(with = "duration")]
    pub recycle: Duration,
    #[serde(with = "duration")]
    pub idle: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub keep_alive_per_host: usize,
    pub connections_per_host: usize,
    #[serde(with = "duration")]
    pub connect: Duration,
    #[serde(with = "duration")]
    pub idle: Duration,
}

impl Reserved {
    /// What checking the answer and bringing it back are promised.
    pub fn for_the_answer(&self) -> Duration {
        self.sanitize_answer + self.translate_back
    }
}

impl Policy {
    /// Lengthens every ceiling on the way of a request to `total` where it is shorter.
    pub(super) fn stretch(&mut self, total: Duration) {
        let Functions { orchestrate, translate, sanitize, retrieve, search } = &mut self.functions;
        let stages = &mut self.orchestrate;
        let functions = [orchestrate, translate, sanitize, retrieve, search].map(|function| &mut function.budget);
        let stages = [&mut stages.wave, &mut stages.translate_in, &mut stages.translate_out, &mut stages.sanitize];
        let hops = ["translate", "sanitize", "retrieve", "search"];
        for ceiling in functions.into_iter().chain(stages).chain([&mut self.service.total]) {
            *ceiling = total.max(*ceiling);
        }
        for hop in hops {
            if let Some(peer) = self.dependencies.overrides.get_mut(hop) {
                peer.limits.timeout = total;
            }
        }
    }
}
