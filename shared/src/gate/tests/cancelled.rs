//! Callers that go away at any moment: after every number of polls and under many interleavings all permits are back.

use proptest::prelude::*;

use super::*;

/// One step of an interleaving; numbers pick one of those there are.
#[derive(Clone, Debug)]
enum Step {
    Arrive(Criticality, u64),
    Poll(usize),
    /// A caller goes away, with or without a permit on its way to it.
    GoAway(usize),
    Leave(usize),
    Advance(u64),
    Resize(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let class = prop::sample::select(&Criticality::ALL[..]);
    prop_oneof![
        4 => (class, 1_u64..1_500).prop_map(|(class, ms)| Step::Arrive(class, ms)),
        3 => any::<usize>().prop_map(Step::Poll),
        3 => any::<usize>().prop_map(Step::GoAway),
        3 => any::<usize>().prop_map(Step::Leave),
        1 => (1_u64..400).prop_map(Step::Advance),
        1 => (0_usize..5, 0_usize..7).prop_map(|(in_flight, queue)| Step::Resize(in_flight, queue)),
    ]
}

fn pick<T>(from: &mut Vec<T>, number: usize) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(number % from.len()))
}

/// Runs the steps, lets everybody go, and looks for the permits.
async fn interleave(steps: Vec<Step>) {
    let gate = gate(2, 4);
    let (mut callers, mut held): (Vec<Caller<'_>>, Vec<Permit>) = (vec![], vec![]);
    for step in steps {
        match step {
            Step::Arrive(class, ms) => {
                let deadline = Deadline::within(Duration::from_millis(ms));
                callers.push(Box::pin(RequestContext::new(class, SECOND).run(gate.enter(deadline))));
            }
            Step::Poll(number) => {
                if let Some(mut caller) = pick(&mut callers, number) {
                    match outcome(&mut caller) {
                        Some(ended) => held.extend(ended.ok()),
                        None => callers.push(caller),
                    }
                }
            }
            Step::GoAway(number) => drop(pick(&mut callers, number)),
            Step::Leave(number) => drop(pick(&mut held, number)),
            Step::Advance(ms) => tokio::time::advance(Duration::from_millis(ms)).await,
            Step::Resize(in_flight, queue) => gate.resize(limits(in_flight, queue)),
        }
        let status = gate.status();
        assert!(held.len() <= status.in_use, "a permit that is not counted: {status:?}");
        assert!(status.in_use >= status.limit || status.waiting == 0, "waits beside a free permit: {status:?}");
    }
    drop((callers, held));
    let status = gate.status();
    assert_eq!((status.in_use, status.waiting), (0, 0), "{status:?}");
    gate.resize(limits(3, 0));
    let all: Vec<_> = (0..3).filter_map(|_| is_in(&mut arrive(&gate, Criticality::Default))).collect();
    assert_eq!(all.len(), 3);
}

proptest! {
    // Proptest prints the seed and the shortest interleaving of a failure.
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn no_interleaving_loses_a_permit(steps in prop::collection::vec(step(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(interleave(steps));
    }
}

/// The first waiter is polled so often, then the permit comes back, then it is polled again, then it goes away.
#[tokio::test(start_paused = true)]
async fn a_permit_for_a_waiter_that_went_away_goes_on_to_the_next() {
    for polls_before in 0..4 {
        for polls_after in 0..3 {
            let gate = gate(1, 4);
            let held = gate.enter(later()).await.unwrap();
            let mut first: Caller<'_> = Box::pin(gate.enter(later()));
            let mut ended = None;
            for _ in 0..polls_before {
                ended = ended.or_else(|| outcome(&mut first));
            }
            let mut second = arrive(&gate, Criticality::Default);
            drop(held);
            for _ in 0..polls_after {
                ended = if ended.is_some() { ended } else { outcome(&mut first) };
            }
            drop((first, ended));
            assert!(is_in(&mut second).is_some(), "{polls_before} polls before, {polls_after} after");
            assert_eq!((gate.status().in_use, gate.status().waiting), (0, 0));
        }
    }
}

/// The same on threads: callers come, give up at their deadlines or on the way, and leave, all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_permit_is_lost_between_threads() {
    let gate = Arc::new(gate(3, 8));
    let mut crowd = crate::scope::Scope::<(), ()>::new(16);
    for caller in 0..16_u64 {
        let gate = gate.clone();
        crowd.required(async move {
            for round in 0..2_000 {
                let patience = Duration::from_micros(caller * 37 % 90 + round % 7);
                let entered = tokio::time::timeout(patience, gate.enter(later())).await;
                if round % 3 == 0 {
                    tokio::task::yield_now().await;
                }
                drop(entered);
            }
            Ok(())
        });
    }
    crowd.join().await.unwrap();
    let status = gate.status();
    assert_eq!((status.in_use, status.waiting), (0, 0), "{status:?}");
    assert!(status.admitted > 0 && status.waited > 0, "{status:?}");
}
