//! Equal searches at the same time go out once, whoever asks first, gives up, or fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_types, reason = "a crowd of callers, all at once on purpose")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use search::{
    desk::Desk,
    provider::{Failure, Inquiry, RawPage, SearchProvider},
};
use shared::{contract::search::SearchReply, deadline::Deadline, dependency::CallError, phi::Masked, policy::Policy};
use tokio::task::JoinSet;

const CROWD: usize = 50;
/// What the engine takes to answer.
const TAKES: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(10);

/// A search engine that counts.
#[derive(Debug, Default)]
struct Engine {
    asked: AtomicUsize,
    answered: AtomicUsize,
    broken: AtomicBool,
}

impl SearchProvider for Engine {
    fn name(&self) -> &'static str {
        "tavily"
    }

    fn search<'a>(&'a self, _: &'a Inquiry, deadline: Deadline) -> BoxFuture<'a, Result<Vec<RawPage>, Failure>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if deadline.bound("the engine", tokio::time::sleep(TAKES)).await.is_err() {
                return Err(Failure::Call(CallError::Timeout { dependency: "tavily" }));
            }
            self.answered.fetch_add(1, Ordering::SeqCst);
            if self.broken.load(Ordering::SeqCst) {
                return Err(Failure::Rejected);
            }
            let (url, content) = ("https://www.medicare.gov/costs".to_owned(), "The premium is...".to_owned());
            Ok(vec![RawPage { url, content, ..RawPage::default() }])
        })
    }
}

fn desk() -> (Desk, Arc<Engine>) {
    let engine = Arc::new(Engine::default());
    (Desk::new(Some(engine.clone()), &Policy::embedded().unwrap().search), engine)
}

async fn search(desk: Desk, query: &str, budget: Duration) -> SearchReply {
    let inquiry = Inquiry { query: Masked::of(query), max_results: 3, recency: None };
    desk.search(&inquiry, Deadline::within(budget), &Policy::embedded().unwrap().search).await
}

fn crowd(desk: &Desk, size: usize) -> JoinSet<SearchReply> {
    (0..size).map(|_| search(desk.clone(), "part B premium", PATIENCE)).collect()
}

#[tokio::test(start_paused = true)]
async fn fifty_equal_searches_go_out_once() {
    let (desk, engine) = desk();
    let replies = crowd(&desk, CROWD).join_all().await;
    assert_eq!(engine.asked.load(Ordering::SeqCst), 1);
    assert!(replies.iter().all(|reply| reply.results.len() == 1 && reply.degraded.is_empty()));
    assert_eq!(replies.iter().filter(|reply| !reply.cached).count(), 1);
    assert!(search(desk.clone(), "part B premium", PATIENCE).await.cached, "and are known for a while");
    assert!(!search(desk, "part A premium", PATIENCE).await.cached);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_dropped_fails_nobody() {
    let (desk, engine) = desk();
    let mut leader = Box::pin(search(desk.clone(), "part B premium", PATIENCE));
    assert!((&mut leader).now_or_never().is_none());
    let followers = crowd(&desk, CROWD);
    tokio::time::sleep(TAKES / 2).await;
    assert_eq!(engine.asked.load(Ordering::SeqCst), 1);
    drop(leader);
    let replies = followers.join_all().await;
    assert!(replies.iter().all(|reply| reply.results.len() == 1 && reply.degraded.is_empty()));
    assert_eq!((engine.asked.load(Ordering::SeqCst), engine.answered.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_leader_in_a_hurry_does_not_fail_those_who_have_time() {
    let (desk, engine) = desk();
    let mut hurried = Box::pin(search(desk.clone(), "part B premium", Duration::from_millis(220)));
    assert!((&mut hurried).now_or_never().is_none());
    let followers = crowd(&desk, CROWD);
    let (hurried, replies) = tokio::join!(hurried, followers.join_all());
    assert_eq!(hurried.degraded.len(), 1);
    assert!(replies.iter().all(|reply| reply.degraded.is_empty()));
    assert_eq!(engine.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_everybodys_who_waited_and_is_not_kept() {
    let (desk, engine) = desk();
    engine.broken.store(true, Ordering::SeqCst);
    let replies = crowd(&desk, CROWD).join_all().await;
    assert!(replies.iter().all(|reply| reply.degraded[0].reason == "rejected"));
    assert_eq!(engine.asked.load(Ordering::SeqCst), 1);
    engine.broken.store(false, Ordering::SeqCst);
    assert!(search(desk, "part B premium", PATIENCE).await.degraded.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_another_search_ends_at_ones_own_deadline() {
    let (desk, _engine) = desk();
    let mut leader = Box::pin(search(desk.clone(), "part B premium", PATIENCE));
    assert!((&mut leader).now_or_never().is_none());
    let follower = search(desk, "part B premium", Duration::from_millis(220)).await;
    assert_eq!(follower.degraded[0].reason, "timeout");
    assert!(leader.await.degraded.is_empty());
}
