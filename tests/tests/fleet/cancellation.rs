//! A call that is dropped after any number of polls leaves nothing behind in this process.

use std::{sync::Arc, task::Poll, time::Duration};

use futures_util::FutureExt;
use shared::{
    breaker::State,
    control::Store,
    deadline::Deadline,
    dependency::{Dependency, Effect, Verdict},
    policy::Policy,
};
use tests::fleet::{Ends, Memory, Weather, environment};

const SECOND: Duration = Duration::from_secs(1);

fn policy() -> Policy {
    let overlay = "dependencies: {overrides: {openai: {concurrent: 2, queue: 2, retry: {attempts: 3}}}}";
    Policy::overlaid(overlay).unwrap()
}

/// Some calls in a process whose store takes its time; `drop_after` polls the last one is dropped.
async fn scene(memory: &Arc<Memory>, outcome: Result<(), Verdict>, drop_after: usize) -> (Dependency, bool) {
    let core = environment(drop_after, policy(), Some(memory.clone() as Arc<dyn Store>), 0);
    let door = core.dependency("openai");
    let attempt = |_| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        outcome.map_err(Ends)
    };
    let mut call = Box::pin(door.call(Deadline::within(3 * SECOND), Effect::Idempotent, attempt));
    let mut polls = 0;
    let ended = std::future::poll_fn(|context| {
        if polls == drop_after {
            return Poll::Ready(false);
        }
        polls += 1;
        call.poll_unpin(context).map(|_| true)
    })
    .await;
    drop(call);
    (door, ended)
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_anywhere_leaks_no_permit_and_counts_no_failure() {
    for outcome in [Ok(()), Err(Verdict::Fault), Err(Verdict::Limited(None)), Err(Verdict::Ignored)] {
        let mut dropped = 0;
        for drop_after in 0..200 {
            let memory = Memory::new(1);
            memory.set(Weather { latency: Duration::from_millis(3), ..Weather::default() });
            let (door, ended) = scene(&memory, outcome, drop_after).await;
            let status = door.status();
            assert_eq!(
                (status.bulkhead.in_use, status.bulkhead.waiting),
                (0, 0),
                "{outcome:?} after {drop_after} polls"
            );
            let attempts = status.ok + status.fault + status.timeout;
            assert!(status.breaker.failures <= i64::try_from(attempts).unwrap(), "{status:?}");
            if ended {
                break;
            }
            dropped += 1;
        }
        eprintln!("{outcome:?}: dropped at {dropped} points");
        assert!((2..200).contains(&dropped), "{dropped}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_probes_free_the_fleets_slots_when_they_expire() {
    let memory = Memory::new(1);
    let (door, _) = scene(&memory, Ok(()), 200).await;
    for _ in 0..5 {
        let fail = |_| async { Err::<(), _>(Ends(Verdict::Fault)) };
        let _ = door.call(Deadline::within(SECOND), Effect::Once, fail).await;
    }
    assert_eq!(door.status().breaker.state, State::Open);
    tokio::time::advance(30 * SECOND).await;
    for polls in 1..12 {
        let mut call =
            Box::pin(door.call(Deadline::within(SECOND), Effect::Once, |_| std::future::pending::<Result<(), Ends>>()));
        for _ in 0..polls {
            if futures_util::poll!(&mut call).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
        assert_eq!(door.status().bulkhead.in_use, 0);
    }
    tokio::time::advance(15 * SECOND).await;
    for _ in 0..3 {
        door.call(Deadline::within(SECOND), Effect::Once, |_| async { Ok::<_, Ends>(()) }).await.unwrap();
    }
    assert_eq!(door.status().breaker.state, State::Closed);
}
