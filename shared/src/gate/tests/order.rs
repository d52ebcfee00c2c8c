//! Who is served first, who is shed and who is evicted.

use super::*;

use Criticality::{Critical, Default, Sheddable};

/// Gives the one permit round until nobody waits; says in which order the callers had it.
fn served(held: Permit, callers: &mut [Caller<'_>]) -> Vec<usize> {
    let (mut held, mut order) = (Some(held), Vec::new());
    while held.take().is_some() {
        for (number, caller) in callers.iter_mut().enumerate() {
            if order.contains(&number) {
                continue;
            }
            if let Some(Ok(permit)) = outcome(caller) {
                order.push(number);
                held = Some(permit);
                break;
            }
        }
    }
    order
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served_while_the_queue_is_short() {
    let gate = gate(1, 8);
    let held = gate.enter(later()).await.unwrap();
    let mut callers: Vec<_> = (0..4).map(|_| arrive(&gate, Default)).collect();
    assert_eq!(served(held, &mut callers), [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_newest_first_while_the_queue_is_more_than_half_full() {
    let gate = gate(1, 4);
    let held = gate.enter(later()).await.unwrap();
    let mut callers: Vec<_> = (0..4).map(|_| arrive(&gate, Default)).collect();
    assert_eq!(served(held, &mut callers), [3, 2, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn the_newest_first_when_the_head_has_waited_for_long() {
    let gate = gate(1, 100);
    let held = gate.enter(later()).await.unwrap();
    let mut callers = vec![arrive(&gate, Default)];
    tokio::time::advance(SECOND * 6 / 10).await;
    callers.extend((0..2).map(|_| arrive(&gate, Default)));
    assert_eq!(served(held, &mut callers), [2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_more_critical_first() {
    let gate = gate(1, 8);
    let held = gate.enter(later()).await.unwrap();
    let mut callers: Vec<_> = [Sheddable, Default, Critical, Default].map(|class| arrive(&gate, class)).into();
    assert_eq!(served(held, &mut callers), [2, 1, 3, 0]);
}

#[tokio::test(start_paused = true)]
async fn who_has_no_time_left_is_passed_over() {
    let gate = gate(1, 8);
    let held = gate.enter(later()).await.unwrap();
    let mut late = arrive_until(&gate, Default, Deadline::within(SECOND / 10));
    let mut next = arrive(&gate, Default);
    tokio::time::advance(SECOND / 5).await;
    drop(held);
    assert!(is_in(&mut next).is_some());
    assert!(outcome(&mut late).unwrap().is_err());
    assert_eq!(gate.status().refusals, Refusals { deadline: 1, ..Refusals::default() });
}

#[tokio::test(start_paused = true)]
async fn sheddable_work_is_refused_from_half_a_queue_on() {
    let gate = gate(1, 4);
    let _held = gate.enter(later()).await.unwrap();
    let _waiting: Vec<_> = (0..2).map(|_| arrive(&gate, Default)).collect();
    let mut third = arrive(&gate, Sheddable);
    assert!(outcome(&mut third).is_none());
    let mut fourth = arrive(&gate, Sheddable);
    assert!(outcome(&mut fourth).unwrap().is_err());
    assert_eq!(gate.status().refusals, Refusals { shed: 1, ..Refusals::default() });
}

#[tokio::test(start_paused = true)]
async fn a_more_critical_newcomer_takes_the_place_of_the_least_critical_waiter() {
    let gate = gate(1, 2);
    let _held = gate.enter(later()).await.unwrap();
    let mut sheddable = arrive(&gate, Sheddable);
    let mut usual = arrive(&gate, Default);
    let mut critical = arrive(&gate, Critical);
    assert!(outcome(&mut sheddable).unwrap().is_err());
    let mut second = arrive(&gate, Critical);
    assert!(outcome(&mut usual).unwrap().is_err());
    let mut third = arrive(&gate, Critical);
    assert!(outcome(&mut third).unwrap().is_err(), "its equals stay");
    assert!(outcome(&mut critical).is_none() && outcome(&mut second).is_none());
    assert_eq!(gate.status().refusals, Refusals { evicted: 2, queue_full: 1, ..Refusals::default() });
}

#[tokio::test(start_paused = true)]
async fn in_a_full_queue_those_without_time_make_room_first() {
    let gate = gate(1, 2);
    let _held = gate.enter(later()).await.unwrap();
    let mut sheddable = arrive(&gate, Sheddable);
    let mut late = arrive_until(&gate, Default, Deadline::within(SECOND / 10));
    tokio::time::advance(SECOND / 5).await;
    let mut critical = arrive(&gate, Critical);
    assert!(outcome(&mut late).unwrap().is_err());
    assert!(outcome(&mut sheddable).is_none() && outcome(&mut critical).is_none());
}

#[tokio::test(start_paused = true)]
async fn outside_of_a_request_callers_are_of_the_default_class() {
    let gate = gate(1, 4);
    let held = gate.enter(later()).await.unwrap();
    let mut plain: Caller<'_> = Box::pin(gate.enter(later()));
    assert!(outcome(&mut plain).is_none());
    let mut callers = vec![plain, arrive(&gate, Default)];
    assert_eq!(served(held, &mut callers), [0, 1]);
}
