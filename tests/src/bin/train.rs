//! `make train`: learns the reranker's weights from the public test sets, which were ingested before.

use std::{io::Write, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use retrieve::{config::Config, retrieval::Retriever, store::Store};
use shared::{core::Core, policy::Policy};
use tests::eval::{
    Selection,
    training::{examples, report},
};

/// Folder, field, type and collection of sets whose licence lets us ship what is learnt from them: public domain, CC BY.
const SETS: [(&str, &str, Option<&str>, &str); 4] = [
    ("healthcaregov", "query", Some("questions"), "healthcaregov_en"),
    ("healthcaregov", "query", Some("glossary"), "healthcaregov_en"),
    ("healthcaregov", "query_es", None, "healthcaregov_es"),
    ("scifact", "query", None, "scifact"),
];

#[tokio::main]
async fn main() -> Result<()> {
    let data = PathBuf::from(std::env::args().nth(1).context("usage: train <folder of the test sets>")?);
    let policy = patient(Policy::embedded()?);
    let core = Core::new(policy.clone());
    let config = Config::from_env(&core)?;
    let embedder = config.embedder(&policy);
    let store = Store::new(config.database.context("DATABASE_URL is not set")?);
    let retriever = Retriever::new(store, embedder, Arc::new(policy.clone()));
    let mut sets = Vec::new();
    for (folder, field, kind, collection) in SETS {
        let selection = Selection {
            data: data.join(folder),
            part: "dev".to_owned(),
            field: field.to_owned(),
            kind: kind.map(str::to_owned),
            threshold: 1,
            collection: collection.to_owned(),
        };
        let examples = examples(&retriever, &policy, &selection).await?;
        sets.push((selection, examples));
    }
    Ok(std::io::stdout().write_all(report(&sets, &policy.retrieve.reranking).as_bytes())?)
}

/// Nobody waits: what is learnt must not depend on how busy the machine is.
fn patient(mut policy: Policy) -> Policy {
    const LONG: std::time::Duration = std::time::Duration::from_secs(10);
    let retrieve = &mut policy.retrieve;
    for ceiling in [&mut retrieve.embedding, &mut retrieve.knn, &mut retrieve.lexical, &mut retrieve.rerank] {
        *ceiling = LONG;
    }
    if let Some(reads) = policy.dependencies.overrides.get_mut("postgres") {
        reads.limits.timeout = LONG;
    }
    policy
}
