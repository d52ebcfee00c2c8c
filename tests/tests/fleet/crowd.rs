//! Many tasks on few permits: every call is accounted for, and every permit comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use shared::{
    control::Store,
    deadline::Deadline,
    dependency::{Dependency, Effect, Verdict},
    policy::Policy,
    scope::Scope,
};
use tests::fleet::{Ends, Memory, environment};

const TASKS: usize = 256;
const PERMITS: usize = 12;
const CALLS_OF_A_TASK: usize = 100;
/// More than any run takes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Calls in flight, and the most there were.
#[derive(Debug, Default)]
struct Present {
    now: AtomicUsize,
    peak: AtomicUsize,
}

/// A dependency with the permits in question and `queue` places, whose waits last as long as any run.
fn door(queue: usize) -> Dependency {
    let mut policy = Policy::embedded().unwrap();
    let limits = &mut policy.dependencies.kinds.provider;
    (limits.concurrent, limits.queue, limits.timeout) = (PERMITS, queue, PATIENCE);
    environment(0, policy, Some(Memory::new(1) as Arc<dyn Store>), 0).dependency("crowded")
}

/// All tasks make their calls; how many were answered, how many refused, and the peak in flight.
async fn crowd(door: &Dependency) -> (usize, usize, usize) {
    let present = Arc::<Present>::default();
    let mut scope = Scope::<usize, ()>::new(TASKS);
    for _ in 0..TASKS {
        let (door, present) = (door.clone(), present.clone());
        scope.required(async move {
            let mut answered = 0;
            for _ in 0..CALLS_OF_A_TASK {
                let call = door.call(Deadline::within(PATIENCE), Effect::Once, |_| attempt(&present));
                answered += usize::from(call.await.is_ok());
            }
            Ok(answered)
        });
    }
    let answered = scope.join().await.unwrap().into_iter().map(Result::unwrap).sum();
    (answered, TASKS * CALLS_OF_A_TASK - answered, present.peak.load(Ordering::SeqCst))
}

async fn attempt(present: &Present) -> Result<(), Ends> {
    let now = present.now.fetch_add(1, Ordering::SeqCst) + 1;
    present.peak.fetch_max(now, Ordering::SeqCst);
    tokio::task::yield_now().await;
    present.now.fetch_sub(1, Ordering::SeqCst);
    if now > PERMITS { Err(Ends(Verdict::Fault)) } else { Ok(()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_places_for_all_everybody_is_served() {
    // More than half full, it would serve the newest first.
    let door = door(4 * TASKS);
    let (answered, refused, peak) = crowd(&door).await;
    let bulkhead = door.status().bulkhead;
    assert_eq!((answered, refused), (TASKS * CALLS_OF_A_TASK, 0));
    assert_eq!((bulkhead.in_use, bulkhead.waiting, bulkhead.refused), (0, 0, 0), "{bulkhead:?}");
    assert_eq!(bulkhead.admitted, answered as u64);
    assert!((1..=PERMITS).contains(&peak), "{peak}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_few_places_every_call_is_answered_or_refused() {
    let door = door(PERMITS);
    let (answered, refused, peak) = crowd(&door).await;
    let bulkhead = door.status().bulkhead;
    assert_eq!((bulkhead.in_use, bulkhead.waiting), (0, 0), "{bulkhead:?}");
    assert_eq!((bulkhead.admitted, bulkhead.refused), (answered as u64, refused as u64));
    assert!((1..=PERMITS).contains(&peak), "{peak}");
    // All permits are still there.
    let mut held = Vec::new();
    for _ in 0..PERMITS {
        let call = door.call(Deadline::within(PATIENCE), Effect::Once, |_| async {
            std::future::pending::<Result<(), Ends>>().await
        });
        held.push(Box::pin(call));
    }
    for call in &mut held {
        assert!(futures_util::FutureExt::now_or_never(call).is_none());
    }
    assert_eq!(door.status().bulkhead.in_use, PERMITS);
    drop(held);
    assert_eq!(door.status().bulkhead.in_use, 0);
}
