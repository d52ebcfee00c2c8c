//! The gate as its callers see it, on a paused clock.

mod cancelled;
mod cost;
mod near;
mod order;
mod resized;

use std::{pin::Pin, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};

use super::*;
use crate::context::RequestContext;

const SECOND: Duration = Duration::from_secs(1);

/// A caller at the gate.
type Caller<'a> = Pin<Box<dyn Future<Output = Result<Permit, Overloaded>> + Send + 'a>>;

fn limits(in_flight: usize, queue: usize) -> GateLimits {
    GateLimits { in_flight, queue, max_wait: SECOND, adaptive: false }
}

fn gate(in_flight: usize, queue: usize) -> Gate {
    Gate::new("test", limits(in_flight, queue))
}

fn later() -> Deadline {
    Deadline::within(60 * SECOND)
}

/// Comes to the gate now: has its permit, its refusal or its place in the queue when this returns.
fn arrive(gate: &Gate, criticality: Criticality) -> Caller<'_> {
    arrive_until(gate, criticality, later())
}

fn arrive_until(gate: &Gate, criticality: Criticality, deadline: Deadline) -> Caller<'_> {
    let context = RequestContext::new(criticality, SECOND);
    let mut caller: BoxFuture<'_, _> = Box::pin(context.run(gate.enter(deadline)));
    match caller.as_mut().now_or_never() {
        Some(outcome) => Box::pin(std::future::ready(outcome)),
        None => caller,
    }
}

/// What became of a caller, if anything yet.
fn outcome(caller: &mut Caller<'_>) -> Option<Result<Permit, Overloaded>> {
    caller.as_mut().now_or_never()
}

fn is_in(caller: &mut Caller<'_>) -> Option<Permit> {
    outcome(caller).map(Result::unwrap)
}

#[tokio::test(start_paused = true)]
async fn refuses_at_once_when_the_queue_is_full() {
    let gate = gate(1, 0);
    let held = gate.enter(later()).await.unwrap();
    let started = clock::now();
    let refused = gate.enter(later()).await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(refused.retry_after, SOONEST_RETRY);
    drop(held);
    assert!(gate.enter(later()).await.is_ok());
    assert_eq!(gate.status().refusals, Refusals { queue_full: 1, ..Refusals::default() });
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_max_wait_or_the_deadline() {
    let gate = gate(1, 2);
    let _held = gate.enter(later()).await.unwrap();
    let started = clock::now();
    assert!(gate.enter(later()).await.is_err());
    assert_eq!(started.elapsed(), SECOND);
    let started = clock::now();
    assert!(gate.enter(Deadline::within(SECOND / 4)).await.is_err());
    assert_eq!(started.elapsed(), SECOND / 4);
    let status = gate.status();
    assert_eq!((status.waiting, status.waited, status.waited_us), (0, 2, 1_250_000));
    assert_eq!(status.refusals, Refusals { wait_too_long: 1, deadline: 1, ..Refusals::default() });
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_goes_away_frees_its_place() {
    let gate = gate(1, 1);
    let _held = gate.enter(later()).await.unwrap();
    let waiter = arrive(&gate, Criticality::Default);
    assert_eq!(gate.status().waiting, 1);
    drop(waiter);
    assert_eq!(gate.status().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_to_come_back_follows_how_long_permits_are_held() {
    let gate = gate(1, 0);
    let held = gate.enter(later()).await.unwrap();
    tokio::time::advance(4 * SECOND).await;
    drop(held);
    let _held = gate.enter(later()).await.unwrap();
    assert_eq!(gate.enter(later()).await.unwrap_err().retry_after, 4 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_time_to_come_back_counts_those_before() {
    let gate = gate(2, 3);
    let held = [gate.enter(later()).await.unwrap(), gate.enter(later()).await.unwrap()];
    tokio::time::advance(2 * SECOND).await;
    drop(held);
    let _held = [gate.enter(later()).await.unwrap(), gate.enter(later()).await.unwrap()];
    let _waiting: Vec<_> = (0..3).map(|_| arrive(&gate, Criticality::Default)).collect();
    // Three wait for two permits of about 2 s: the newcomer's is free after the third round.
    assert_eq!(gate.enter(later()).await.unwrap_err().retry_after, 6 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn drains_when_the_last_permit_is_back() {
    let gate = gate(2, 0);
    let held = gate.enter(later()).await.unwrap();
    assert!(!gate.drained(Deadline::within(SECOND)).await);
    let (drained, ()) = tokio::join!(gate.drained(Deadline::within(SECOND)), async {
        tokio::time::sleep(SECOND / 2).await;
        drop(held);
    });
    assert!(drained);
    assert_eq!(gate.status().in_use, 0);
}

#[tokio::test(start_paused = true)]
async fn counts_only_ever_rise_and_add_up() {
    let gate = gate(2, 2);
    let mut callers: Vec<_> = (0..6).map(|_| arrive(&gate, Criticality::Default)).collect();
    let ends: Vec<_> = callers.iter_mut().map(outcome).collect();
    let status = gate.status();
    assert_eq!((status.in_use, status.waiting, status.admitted, status.refused), (2, 2, 2, 2));
    drop(ends);
    let held: Vec<_> = callers[2..4].iter_mut().map(|caller| is_in(caller).unwrap()).collect();
    let status = gate.status();
    assert_eq!((status.in_use, status.waiting, status.admitted, status.refused), (2, 0, 4, 2));
    drop(held);
    assert_eq!(gate.status().in_use, 0);
}
