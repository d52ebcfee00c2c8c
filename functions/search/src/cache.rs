//! Searches of a moment ago, and those that are under way: equal ones go out once.
//!
//! Keys are masked queries, which are the same for whoever asks; nothing of a patient rests here. Bounded by entries
//! and age (policy, `search.cache_entries` and `cache_ttl`). Errors are shared by those who wait and are not kept.
//!
//! The first of equal searches leads, the others wait for it. When the leader is dropped, moka wakes the others and one
//! of them leads (`try_get_with`, "Concurrent calls on the same key"; its `EnclosingFutureAborted`).

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use moka::future::Cache as Moka;
use shared::{contract::search::WebResult, deadline::Deadline, dependency::CallError, policy};

use crate::provider::{Failure, Inquiry};

/// Results by inquiry. Clones share them.
#[derive(Clone, Debug)]
pub struct Cache(Moka<Inquiry, Arc<[WebResult]>>);

/// Results, and whether somebody else's search brought them.
pub type Found = (Arc<[WebResult]>, bool);

/// A search that failed, for all who waited for it.
#[derive(Clone, Debug)]
struct Missed {
    failure: Arc<Failure>,
    /// Its leader had too little time: that says nothing to those who have more.
    hurried: bool,
}

impl Cache {
    /// An empty cache within the policy's bounds.
    pub fn new(policy: &policy::Search) -> Self {
        Self(Moka::builder().max_capacity(policy.cache_entries).time_to_live(policy.cache_ttl).build())
    }

    /// The results of `inquiry`: known, brought by an equal search that is under way, or by `search`. `provider` is
    /// named when the wait for another's search ends at `deadline`.
    ///
    /// # Errors
    /// How the search failed, its own or the one it waited for.
    pub async fn find<F>(
        &self,
        inquiry: &Inquiry,
        deadline: Deadline,
        policy: &policy::Search,
        provider: &'static str,
        search: impl Fn() -> F,
    ) -> Result<Found, Arc<Failure>>
    where
        F: Future<Output = Result<Arc<[WebResult]>, Failure>>,
    {
        let late = || Arc::new(Failure::Call(CallError::Timeout { dependency: provider }));
        loop {
            let led = AtomicBool::new(false);
            let lead = async {
                led.store(true, Ordering::Relaxed);
                let hurried = deadline.remaining() < policy.search / 2;
                search().await.map_err(|failure| Missed { failure: Arc::new(failure), hurried })
            };
            let found = deadline.bound("an equal search", self.0.entry_by_ref(inquiry).or_try_insert_with(lead)).await;
            match found {
                Ok(Ok(entry)) => {
                    let fresh = entry.is_fresh();
                    return Ok((entry.into_value(), !fresh));
                }
                Ok(Err(missed)) if missed.hurried && !led.into_inner() && !deadline.expired() => {}
                Ok(Err(missed)) => return Err(missed.failure.clone()),
                Err(_) => return Err(late()),
            }
        }
    }
}
