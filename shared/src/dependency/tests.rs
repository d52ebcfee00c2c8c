//! The door of a process that stands for itself. What a fleet does together is tested over a shared memory, in the
//! package `tests`.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{breaker::State, clock};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
#[error("{0:?}")]
struct Ends(Verdict);

impl Classify for Ends {
    fn verdict(&self) -> Verdict {
        self.0
    }
}

/// A provider with a timeout of 100 ms and `more` limits.
fn door(more: &str) -> Dependency {
    let overlay = format!("dependencies: {{overrides: {{tavily: {{timeout: 100ms, {more}}}}}}}");
    let wall = Wall::Virtual { since: clock::now(), skew_ms: 0 };
    let fleet = Fleet { store: None, wall, identity: Identity::seeded("env", 1) };
    Dependency::new("tavily", &Policy::overlaid(&overlay).unwrap(), fleet)
}

const RETRIES: &str =
    "retry: {attempts: 3, base: 25ms, cap: 400ms, budget_ratio: 0.1, budget_reserve: 10, hedge: false}";

fn soon() -> Deadline {
    Deadline::within(2 * SECOND)
}

type Outcome = Result<u32, CallError<Ends>>;

/// A call whose attempts end as `ends` says, the last of them for ever; and how many there were.
async fn call(door: &Dependency, effect: Effect, ends: &[Result<u32, Verdict>]) -> (Outcome, usize) {
    let sent = AtomicUsize::new(0);
    let attempt = |_| {
        let number = sent.fetch_add(1, Ordering::Relaxed);
        let end = ends[number.min(ends.len() - 1)];
        async move { end.map_err(Ends) }
    };
    let outcome = door.call(soon(), effect, attempt).await;
    (outcome, sent.into_inner())
}

fn is_free(door: &Dependency) -> bool {
    let status = door.status().bulkhead;
    (status.in_use, status.waiting) == (0, 0)
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_back_and_is_counted() {
    let door = door(RETRIES);
    assert_eq!(call(&door, Effect::Once, &[Ok(7)]).await.0.unwrap(), 7);
    assert_eq!((door.status().ok, is_free(&door)), (1, true));
}

#[tokio::test(start_paused = true)]
async fn a_late_attempt_is_cut_at_its_timeout() {
    let door = door("retry: {attempts: 1}");
    let started = clock::now();
    let late: Outcome = door.call(soon(), Effect::Idempotent, |_| std::future::pending()).await;
    assert!(matches!(late, Err(CallError::Timeout { dependency: "tavily" })), "{late:?}");
    assert_eq!((started.elapsed(), door.status().timeout, is_free(&door)), (100 * MS, 1, true));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_with_its_request_and_that_says_nothing_of_the_dependency() {
    let door = door("");
    for _ in 0..6 {
        let cut: Outcome = door.call(Deadline::within(40 * MS), Effect::Once, |_| std::future::pending()).await;
        assert!(matches!(cut, Err(CallError::Timeout { .. })), "{cut:?}");
    }
    assert_eq!(door.status().breaker.state, State::Closed);
    for _ in 0..5 {
        let cut: Outcome = door.call(Deadline::within(60 * MS), Effect::Once, |_| std::future::pending()).await;
        assert!(matches!(cut, Err(CallError::Timeout { .. })), "{cut:?}");
    }
    assert_eq!(door.status().breaker.state, State::Open, "more than half of its time is enough to tell");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_no_time_is_left() {
    let door = door("");
    let sent = AtomicUsize::new(0);
    let attempt = |_| {
        sent.fetch_add(1, Ordering::Relaxed);
        async { Ok(1) }
    };
    let expired: Outcome = door.call(Deadline::within(Duration::ZERO), Effect::Idempotent, attempt).await;
    assert!(matches!(expired, Err(CallError::Expired { .. })), "{expired:?}");
    assert_eq!(sent.into_inner(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_place_back_and_counts_as_nothing() {
    let door = door("");
    for _ in 0..10 {
        let call = door.call(soon(), Effect::Once, |_| std::future::pending::<Result<u32, Ends>>());
        assert!(tokio::time::timeout(90 * MS, call).await.is_err());
        assert!(is_free(&door));
    }
    let status = door.status();
    assert_eq!((status.timeout, status.fault, status.breaker.failures), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn callers_beyond_bulkhead_and_queue_are_refused_with_a_time() {
    let door = door("concurrent: 2, queue: 1");
    let slow = |door: Dependency| async move {
        door.call(soon(), Effect::Once, |_| async {
            tokio::time::sleep(50 * MS).await;
            Ok::<_, Ends>(1)
        })
        .await
    };
    let calls = (slow(door.clone()), slow(door.clone()), slow(door.clone()), slow(door.clone()));
    let (first, second, third, fourth) = tokio::join!(calls.0, calls.1, calls.2, calls.3);
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert!(
        matches!(fourth, Err(CallError::Refused { retry_after, .. }) if retry_after > Duration::ZERO),
        "{fourth:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_may_be_repeated_is_repeated() {
    let twice = [Err(Verdict::Fault), Err(Verdict::Fault), Ok(3)];
    assert_eq!(call(&door(RETRIES), Effect::Idempotent, &twice).await.0.unwrap(), 3);
    assert_eq!(call(&door(RETRIES), Effect::Once, &twice).await.1, 1);
    assert_eq!(call(&door(RETRIES), Effect::Idempotent, &[Err(Verdict::Ignored)]).await.1, 1);
    assert_eq!(call(&door(RETRIES), Effect::Idempotent, &[Err(Verdict::Exhausted)]).await.1, 1);
    assert_eq!(call(&door(RETRIES), Effect::Idempotent, &[Err(Verdict::Fault)]).await.1, 3);
}

#[tokio::test(start_paused = true)]
async fn retries_are_a_share_of_the_traffic() {
    let door = door(
        "breaker: {mode: metrics_only}, retry: {attempts: 3, base: 1ms, cap: 1ms, budget_ratio: 0.1, budget_reserve: 5, hedge: false}",
    );
    let mut sent = 0;
    for _ in 0..200 {
        sent += call(&door, Effect::Idempotent, &[Err(Verdict::Fault)]).await.1;
    }
    // One of each call, five from the reserve, and a tenth.
    assert_eq!(sent, 200 + 5 + 20);
    assert_eq!(door.status().retries, 25);
}

#[tokio::test(start_paused = true)]
async fn a_retry_never_begins_after_the_deadline() {
    let door = door(
        "breaker: {mode: disabled}, retry: {attempts: 3, base: 10s, cap: 10s, budget_ratio: 1.0, budget_reserve: 100, hedge: false}",
    );
    let started = clock::now();
    for _ in 0..20 {
        let _ = call(&door, Effect::Idempotent, &[Err(Verdict::Fault)]).await;
    }
    assert!(started.elapsed() <= 20 * 2 * SECOND, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_was_asked_for_parks_the_dependency() {
    let door = door(RETRIES);
    let (limited, sent) = call(&door, Effect::Idempotent, &[Err(Verdict::Limited(Some(20 * SECOND)))]).await;
    assert!(limited.is_err());
    assert_eq!(sent, 1);
    let (parked, sent) = call(&door, Effect::Idempotent, &[Ok(1)]).await;
    assert_eq!((parked.unwrap_err().reason(), sent), ("parked", 0));
    tokio::time::sleep(20 * SECOND).await;
    assert_eq!(call(&door, Effect::Idempotent, &[Ok(1)]).await.0.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_first_attempt_gets_company_and_the_first_answer_counts() {
    let door = door("retry: {attempts: 1, base: 1ms, cap: 1ms, budget_ratio: 0.1, budget_reserve: 1, hedge: true}");
    let (sent, slow) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let attempt = |_| {
        let late = sent.fetch_add(1, Ordering::Relaxed) == slow.load(Ordering::Relaxed);
        async move {
            tokio::time::sleep(if late { 90 * MS } else { 10 * MS }).await;
            Ok::<_, Ends>(u32::from(late))
        }
    };
    for _ in 0..50 {
        door.call(soon(), Effect::Idempotent, attempt).await.unwrap();
    }
    assert_eq!(door.status().hedges, 0);
    let p95 = Duration::from_secs_f64(door.status().p95_ms.unwrap() / 1_000.0);
    assert!(p95 >= 10 * MS && p95 < 20 * MS, "{p95:?}");
    slow.store(sent.load(Ordering::Relaxed), Ordering::Relaxed);
    let started = clock::now();
    assert_eq!(door.call(soon(), Effect::Idempotent, attempt).await.unwrap(), 0);
    assert!(started.elapsed() < 40 * MS, "{:?}", started.elapsed());
    assert_eq!((door.status().hedges, is_free(&door)), (1, true));
}

#[tokio::test(start_paused = true)]
async fn five_failures_open_the_circuit_and_a_probe_after_recovery_closes_it() {
    let door = door("retry: {attempts: 1}, breaker: {half_open_calls: 1}");
    for _ in 0..5 {
        assert_eq!(call(&door, Effect::Once, &[Err(Verdict::Fault)]).await.1, 1);
    }
    let (open, sent) = call(&door, Effect::Once, &[Ok(1)]).await;
    let error = open.unwrap_err();
    assert_eq!((error.reason(), sent), ("circuit_open", 0));
    assert!(error.retry_after().unwrap() <= 30 * SECOND);
    tokio::time::sleep(30 * SECOND).await;
    assert_eq!(call(&door, Effect::Once, &[Ok(1)]).await.0.unwrap(), 1);
    assert_eq!(door.status().breaker.state, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn metrics_only_counts_and_refuses_nothing() {
    let door = door("retry: {attempts: 1}, breaker: {mode: metrics_only}");
    for _ in 0..10 {
        assert_eq!(call(&door, Effect::Once, &[Err(Verdict::Fault)]).await.1, 1);
    }
    assert_eq!(door.status().breaker.state, State::Open);
}
