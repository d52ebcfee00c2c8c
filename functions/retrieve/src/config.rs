//! The settings of retrieve.

use std::path::PathBuf;

use shared::{
    core::Core,
    http::BadAddress,
    policy::Policy,
    postgres::{self, Database},
    watermark::Marks,
};

use crate::{
    embedding::{self, Embedder, EmbedderLimits, ModelError},
    rerank,
    service::Settings,
};

/// Where a layer puts the model.
const DEFAULT_MODEL_DIR: &str = "/opt/model";

/// What comes from the environment. No part is needed to start.
#[derive(Debug)]
pub struct Config {
    /// `DATABASE_URL`, with `DATABASE_CA` and `DATABASE_IAM`; nothing connects yet.
    pub database: Option<Database>,
    /// `MODEL_DIR`: the embedding model in the Hugging Face layout; `/opt/model` when absent.
    pub model_dir: PathBuf,
    /// `EMBEDDING_URL` and `EMBEDDING_MODEL`, with `EMBEDDING_API_KEY`: a service that embeds instead of the model in process.
    pub embeddings: Option<embedding::Remote>,
    /// `RERANK_URL` and `RERANK_MODEL`, with `RERANK_API_KEY`: a reranking service; without one, it is done in process.
    pub reranker: Option<rerank::Remote>,
}

/// A variable that is there and wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// One of the database's.
    #[error(transparent)]
    Database(#[from] postgres::ConfigError),
    /// The address of a service.
    #[error(transparent)]
    Address(#[from] BadAddress),
}

impl Config {
    /// Reads the environment. Fails when a variable is there and wrong.
    pub fn from_env(core: &Core) -> Result<Self, ConfigError> {
        let model_dir = std::env::var_os("MODEL_DIR").filter(|folder| !folder.is_empty());
        Ok(Self {
            database: Database::from_env(core)?,
            embeddings: Settings::from_env(&embedding::NAMES)
                .map(|settings| embedding::Remote::new(settings, core))
                .transpose()?,
            reranker: Settings::from_env(&rerank::NAMES)
                .map(|settings| rerank::Remote::new(settings, core))
                .transpose()?,
            model_dir: model_dir.map_or_else(|| PathBuf::from(DEFAULT_MODEL_DIR), PathBuf::from),
        })
    }

    /// The embedding model for serving: the service, or what is loaded here. Or says in one word why there is none.
    pub fn embedder(&self, policy: &Policy) -> Result<Embedder, &'static str> {
        let threads = threads(policy);
        // One thread stays free for questions, where there are two.
        self.load(policy, threads.saturating_sub(1).max(1)).map_err(|error| {
            tracing::warn!(%error, "documents are found by their words only");
            if matches!(error, ModelError::Missing(_)) { "not_configured" } else { "unavailable" }
        })
    }

    /// The embedding model with all threads for documents.
    pub fn bulk_embedder(&self, policy: &Policy) -> Result<Embedder, ModelError> {
        self.load(policy, threads(policy))
    }

    fn load(&self, policy: &Policy, bulk: usize) -> Result<Embedder, ModelError> {
        let limits = &policy.retrieve;
        let limits = EmbedderLimits {
            threads: threads(policy),
            queue: limits.embedding_queue,
            bulk,
            // A question gives up long before, at its own ceiling.
            max_wait: limits.document_write,
            quantized: limits.embedding_quantized,
            kept: limits.cache_entries,
            kept_for: limits.cache_ttl,
        };
        let embedder = match &self.embeddings {
            Some(service) => Embedder::remote(service.clone(), limits)?,
            None => Embedder::load(&self.model_dir, limits)?,
        };
        embedder.watch(Marks::of(&policy.service));
        Ok(embedder)
    }
}

fn threads(policy: &Policy) -> usize {
    policy.retrieve.embedding_threads.unwrap_or_else(|| policy.vcpu())
}
