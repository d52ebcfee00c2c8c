//! HTTP to domain and back.

mod documents;

use std::{sync::Arc, time::Duration};

use shared::{
    context::Criticality,
    contract::retrieve::RetrieveRequest,
    core::Core,
    deadline::Deadline,
    gate::{Gate, GateLimits},
    metrics::Sample,
    phi,
    policy::Policy,
    problem::Problem,
    serve::{Call, Function, Reply, Route},
};

use crate::{
    config::Config, embedding::Embedder, error::Error, query::Query, rerank::Reranker, results::Results,
    retrieval::Retriever, store::Store,
};

const RETRIEVE: &str = "/v1/retrieve";
const DOCUMENTS: &str = "/v1/documents";
const DOCUMENT: &str = "/v1/documents/{}";
/// What Lambda lets through: 4 MB of content in base64, and the rest of the JSON.
const MAX_DOCUMENT_BODY: usize = 6 << 20;
/// Lambda's limit for what runs before the first request is accepted.
const WARM_UP: Duration = Duration::from_secs(10);

/// The function: what it found in its environment.
pub struct Retrieve {
    core: Core,
    store: Option<Store>,
    /// Or why there is none.
    embedder: Result<Embedder, &'static str>,
    /// A service that reranks, where one is configured.
    reranker: Option<Arc<dyn Reranker>>,
    results: Results,
    writes: Gate,
}

impl Retrieve {
    /// Loads the model; connects to nothing.
    pub fn new(config: Config, core: Core) -> Self {
        let embedder = config.embedder(&core.policy());
        let reranker = config.reranker.map(|remote| Arc::new(remote) as Arc<dyn Reranker>);
        let results = Results::new(&core.policy().retrieve);
        let writes = Gate::new("gate/documents", for_documents(&core));
        Self { store: config.database.map(Store::new), embedder, reranker, results, writes, core }
    }

    fn store(&self) -> Result<&Store, Error> {
        self.store.as_ref().ok_or(Error::NoDatabase)
    }

    fn embedder(&self) -> Result<&Embedder, Error> {
        self.embedder.as_ref().map_err(|reason| Error::NoModel(reason))
    }

    /// While many wait at the gate, words alone must do: they cost half as much as all together.
    fn affordable_embedder(&self) -> Result<Embedder, &'static str> {
        let gate = self.core.gate(Self::NAME).status();
        if gate.waiting > 2 * gate.limit { Err("overloaded") } else { self.embedder.clone() }
    }

    /// The places for documents, as many as the policy has for them now.
    fn writes(&self) -> &Gate {
        self.writes.resize(for_documents(&self.core));
        &self.writes
    }

    async fn retrieve(&self, call: &Call) -> Result<Reply, Problem> {
        let query = Query::new(call.json::<RetrieveRequest>()?)?;
        let retriever = Retriever::new(self.store()?.clone(), self.affordable_embedder(), self.core.policy());
        let retriever = retriever.with_remote(self.reranker.clone()).with_results(self.results.clone());
        Reply::ok(&retriever.retrieve(call.deadline, &call.principal.subject, &query).await?)
    }
}

/// One at least.
fn for_documents(core: &Core) -> GateLimits {
    let places = core.gate(Retrieve::NAME).status().limit as f64 * core.policy().retrieve.document_share;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a few")]
    let in_flight = (places as usize).max(1);
    GateLimits { in_flight, queue: 0, max_wait: Duration::ZERO, adaptive: false }
}

impl Function for Retrieve {
    const NAME: &'static str = "retrieve";
    const ROUTES: &'static [Route] = &[
        Route::post(RETRIEVE),
        Route::get(DOCUMENTS),
        Route::put(DOCUMENT, MAX_DOCUMENT_BODY),
        Route::delete(DOCUMENT),
    ];

    async fn handle(&self, call: Call) -> Result<Reply, Problem> {
        match (call.method, call.route) {
            ("POST", RETRIEVE) => self.retrieve(&call).await,
            ("GET", DOCUMENTS) => self.list_documents(&call).await,
            ("PUT", DOCUMENT) => self.put_document(&call).await,
            ("DELETE", DOCUMENT) => self.delete_document(&call).await,
            _ => Err(Problem::not_found("this path")),
        }
    }

    fn budget(&self, route: &Route, policy: &Policy) -> Option<Duration> {
        (route.method == "PUT").then_some(policy.retrieve.document_write)
    }

    /// A document that was refused is put again later, and whoever loads documents in bulk does. A patient who asks
    /// does not come back: questions go before writes. Deleting is one short statement.
    fn criticality(&self, route: &Route) -> Criticality {
        if route.method == "PUT" { Criticality::Sheddable } else { Criticality::Default }
    }

    async fn missing(&self, deadline: Deadline) -> Vec<String> {
        let reachable = match &self.store {
            Some(store) => store.database().ping(deadline).await.is_ok(),
            None => false,
        };
        let parts = [("postgres", reachable), ("embedding_model", self.embedder.is_ok())];
        parts.into_iter().filter(|(_, there)| !there).map(|(name, _)| name.to_owned()).collect()
    }

    fn status(&self) -> serde_json::Value {
        let database = self.store.as_ref().map(|store| store.database().status());
        let embedding = self.embedder.as_ref().ok().map(Embedder::status);
        serde_json::json!({ "postgres": database, "embedding": embedding })
    }

    fn pools(&self) -> Vec<Sample> {
        let database = self.store.as_ref().map(|store| store.database().sample());
        let embedder = self.embedder.as_ref().ok().map(Embedder::sample);
        database.into_iter().chain(embedder).chain([self.results.sample()]).collect()
    }

    /// The first forward pass touches all weights and costs ten times the second.
    async fn warm_up(&self) {
        // Whoever sends texts to others masks them, and the patterns take some time to compile.
        if self.reranker.is_some() || self.embedder.as_ref().is_ok_and(|embedder| !embedder.stays_here()) {
            phi::warm_up();
        }
        if let Some(embedder) = self.embedder.as_ref().ok().filter(|embedder| embedder.stays_here()) {
            let deadline = Deadline::within(WARM_UP);
            let _ = embedder.embed_query(deadline, "what does my plan cover").await;
        }
    }

    async fn close(&self) {
        if let Some(store) = &self.store {
            store.database().close();
        }
    }
}
