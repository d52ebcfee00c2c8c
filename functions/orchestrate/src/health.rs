//! What is missing, here and in the functions behind: asked at most once in a while.

use std::{convert::Infallible, sync::Arc};

use shared::{
    clock,
    contract::Health,
    deadline::Deadline,
    invoke::{Caller, Peer},
    policy::Policy,
    principal::Principal,
    scope::Scope,
};
use tokio::{sync::Mutex, time::Instant};

use crate::config::Config;

/// The last answer, shared by all who ask.
#[derive(Debug, Default)]
pub struct HealthCache(Mutex<Option<(Instant, Vec<String>)>>);

impl HealthCache {
    /// What is missing; at most as old as the policy says. One caller asks, the others wait for its answer.
    pub async fn missing(&self, config: &Arc<Config>, policy: &Policy, deadline: Deadline) -> Vec<String> {
        let Ok(mut last) = deadline.bound("health", self.0.lock()).await else { return vec!["health".to_owned()] };
        if let Some((at, missing)) = last.as_ref().filter(|(at, _)| at.elapsed() < policy.service.health_cache) {
            tracing::trace!(age = ?at.elapsed(), "health from the cache");
            return missing.clone();
        }
        let missing = ask(config, deadline).await;
        *last = Some((clock::now(), missing.clone()));
        missing
    }
}

async fn ask(config: &Arc<Config>, deadline: Deadline) -> Vec<String> {
    let peers = [
        ("sanitize", &config.sanitize),
        ("translate", &config.translate),
        ("retrieve", &config.retrieve),
        ("search", &config.search),
    ];
    let names = peers.map(|(name, _)| name);
    let mut asked = Scope::<_, Infallible>::new(peers.len());
    for (name, peer) in peers {
        let peer = peer.clone();
        asked.optional(async move { Ok(of_peer(name, peer.as_ref(), deadline).await) });
    }
    let answers = asked.join().await.unwrap_or_default().into_iter().zip(names);
    let mut missing: Vec<_> =
        answers.flat_map(|(answer, name)| answer.unwrap_or_else(|_| vec![name.to_owned()])).collect();
    missing.extend(config.model.is_none().then(|| "chat_model".to_owned()));
    missing
}

async fn of_peer(name: &str, peer: Option<&Peer>, deadline: Deadline) -> Vec<String> {
    let principal = Principal { subject: "health".to_owned(), scopes: vec![] };
    let caller = Caller { principal: &principal, request_id: "health", traceparent: None };
    let Some(peer) = peer else { return vec![name.to_owned()] };
    match peer.get::<Health>(deadline, caller, "/v1/health").await {
        Ok(health) => health.missing,
        Err(_) => vec![name.to_owned()],
    }
}
