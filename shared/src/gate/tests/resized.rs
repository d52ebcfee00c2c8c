//! New limits under callers that are in, or wait.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_higher_limit_lets_waiters_in() {
    let gate = gate(1, 4);
    let _held = gate.enter(later()).await.unwrap();
    let mut callers: Vec<_> = (0..3).map(|_| arrive(&gate, Criticality::Default)).collect();
    gate.resize(limits(3, 4));
    let admitted: Vec<_> = callers.iter_mut().filter_map(is_in).collect();
    assert_eq!((admitted.len(), gate.status().in_use, gate.status().waiting), (2, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lower_limit_takes_no_permit_away_and_lets_the_number_sink() {
    let gate = gate(3, 4);
    let mut held = vec![];
    for _ in 0..3 {
        held.push(gate.enter(later()).await.unwrap());
    }
    gate.resize(limits(1, 4));
    assert_eq!((gate.status().in_use, gate.status().limit), (3, 1));
    let mut waiter = arrive(&gate, Criticality::Default);
    held.pop();
    held.pop();
    assert!(outcome(&mut waiter).is_none());
    held.pop();
    assert!(is_in(&mut waiter).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_shorter_queue_keeps_who_waits_and_refuses_newcomers() {
    let gate = gate(1, 4);
    let held = gate.enter(later()).await.unwrap();
    let mut callers: Vec<_> = (0..3).map(|_| arrive(&gate, Criticality::Default)).collect();
    gate.resize(limits(1, 1));
    assert!(gate.enter(later()).await.is_err());
    assert_eq!(gate.status().waiting, 3);
    drop(held);
    assert!(callers.iter_mut().filter_map(is_in).count() > 0);
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_sinks_while_calls_are_slow_and_shows_it() {
    let adaptive = GateLimits { adaptive: true, ..limits(16, 0) };
    let gate = Gate::new("test", adaptive);
    assert_eq!(gate.status().adaptive_limit, Some(16));
    for (round, held_for) in [(20, 20), (30, 400)] {
        for _ in 0..round {
            let mut held = vec![];
            while gate.status().in_use < gate.status().adaptive_limit.unwrap() {
                held.push(gate.enter(later()).await.unwrap());
            }
            assert!(gate.enter(later()).await.is_err());
            tokio::time::advance(Duration::from_millis(held_for)).await;
        }
    }
    let status = gate.status();
    assert!(status.adaptive_limit < Some(9), "{status:?}");
    gate.resize(limits(16, 0));
    assert_eq!(gate.status().adaptive_limit, None);
}
