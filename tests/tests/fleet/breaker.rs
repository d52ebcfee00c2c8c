//! The breaker of a fleet: who trips it, who is let through, what it costs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use shared::{
    breaker::State,
    clock,
    context::{Criticality, RequestContext},
    control::Store,
    core::Core,
    deadline::Deadline,
    dependency::{CallError, Dependency, Effect, Verdict},
    policy::Policy,
};
use tests::fleet::{Ends, Memory, Weather, environment};

const SECOND: Duration = Duration::from_secs(1);

pub fn policy() -> Policy {
    Policy::embedded().unwrap()
}

/// A fleet of `count` environments with one memory.
pub fn fleet(count: usize, memory: &Arc<Memory>) -> Vec<Dependency> {
    cores(count, memory).iter().map(|core| core.dependency("tavily")).collect()
}

fn cores(count: usize, memory: &Arc<Memory>) -> Vec<Core> {
    (0..count).map(|number| environment(number, policy(), Some(memory.clone() as Arc<dyn Store>), 0)).collect()
}

pub async fn call(door: &Dependency, outcome: Result<(), Verdict>) -> Result<(), CallError<Ends>> {
    door.call(Deadline::within(10 * SECOND), Effect::Once, |_| async move { outcome.map_err(Ends) }).await
}

async fn fail(door: &Dependency) -> Result<(), CallError<Ends>> {
    call(door, Err(Verdict::Fault)).await
}

fn is_open(result: &Result<(), CallError<Ends>>) -> bool {
    matches!(result, Err(CallError::Open { .. }))
}

#[tokio::test(start_paused = true)]
async fn failures_of_different_environments_add_up_to_exactly_five() {
    let memory = Memory::new(1);
    let doors = fleet(5, &memory);
    for door in &doors[..4] {
        assert!(matches!(fail(door).await, Err(CallError::Fault { .. })));
    }
    assert!(call(&fleet(1, &memory)[0], Err(Verdict::Ignored)).await.is_err());
    assert_eq!(doors[0].status().breaker.state, State::Closed);
    assert!(matches!(fail(&doors[4]).await, Err(CallError::Fault { .. })));
    let fresh = &fleet(1, &memory)[0];
    assert!(is_open(&fail(fresh).await), "a new environment learns it before its first call");
}

#[tokio::test(start_paused = true)]
async fn a_success_that_knows_of_the_run_ends_it() {
    let memory = Memory::new(1);
    let doors = fleet(2, &memory);
    for _ in 0..4 {
        let _ = fail(&doors[0]).await;
    }
    call(&doors[0], Ok(())).await.unwrap();
    for _ in 0..4 {
        let _ = fail(&doors[1]).await;
    }
    assert!(!is_open(&call(&doors[0], Ok(())).await));
}

#[tokio::test(start_paused = true)]
async fn a_healthy_thousand_writes_nothing_and_reads_once_for_each_view() {
    let memory = Memory::new(1);
    let door = &fleet(1, &memory)[0];
    for _ in 0..1_000 {
        call(door, Ok(())).await.unwrap();
        tokio::time::advance(Duration::from_millis(30)).await;
    }
    let (reads, writes) = memory.traffic();
    assert_eq!(writes, 0);
    // 30 s of traffic, views of 5 to 6 s: one at the start and at most six renewals.
    assert!((5..=7).contains(&reads), "{reads}");
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_lets_nothing_out_and_asks_nobody() {
    let memory = Memory::new(1);
    let door = &fleet(1, &memory)[0];
    for _ in 0..5 {
        let _ = fail(door).await;
    }
    let before = memory.traffic();
    let out = AtomicUsize::new(0);
    for _ in 0..1_000 {
        let refused: Result<(), CallError<Ends>> = door
            .call(Deadline::within(SECOND), Effect::Once, |_| {
                out.fetch_add(1, Ordering::Relaxed);
                async { Ok(()) }
            })
            .await;
        let Err(CallError::Open { retry_after, .. }) = refused else { panic!("{refused:?}") };
        assert!(retry_after <= 30 * SECOND && retry_after > 20 * SECOND, "{retry_after:?}");
    }
    assert_eq!((out.load(Ordering::Relaxed), memory.traffic()), (0, before));
}

#[tokio::test(start_paused = true)]
async fn three_probes_of_the_fleet_try_and_close_it() {
    let memory = Memory::new(1);
    let doors = fleet(8, &memory);
    for _ in 0..5 {
        let _ = fail(&doors[0]).await;
    }
    tokio::time::advance(30 * SECOND).await;
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let probe = |door: Dependency| {
        let (running, most) = (&running, &most);
        async move {
            door.call(Deadline::within(5 * SECOND), Effect::Once, |_| async {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(200)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, Ends>(())
            })
            .await
        }
    };
    let tried = futures_util::future::join_all(doors.iter().cloned().map(probe)).await;
    assert_eq!(tried.iter().filter(|result| result.is_ok()).count(), 3);
    assert_eq!(most.load(Ordering::SeqCst), 3);
    tokio::time::advance(SECOND).await;
    for door in &doors {
        call(door, Ok(())).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_probe_opens_it_again_and_a_dead_one_frees_its_slot() {
    let memory = Memory::new(1);
    let doors = fleet(3, &memory);
    for _ in 0..5 {
        let _ = fail(&doors[0]).await;
    }
    tokio::time::advance(30 * SECOND).await;
    assert!(matches!(fail(&doors[1]).await, Err(CallError::Fault { .. })));
    assert!(is_open(&call(&doors[1], Ok(())).await));
    tokio::time::advance(30 * SECOND).await;
    // Probes that are dropped leave their slots to time.
    for door in &doors {
        let call = door.call(Deadline::within(SECOND), Effect::Once, |_| std::future::pending::<Result<(), Ends>>());
        assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
    }
    tokio::time::advance(SECOND).await;
    assert!(is_open(&call(&doors[0], Ok(())).await));
    tokio::time::advance(15 * SECOND).await;
    for door in &doors {
        call(door, Ok(())).await.unwrap();
    }
    assert_eq!(doors[2].status().breaker.state, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_asks_for_a_pause_gets_it_from_the_whole_fleet() {
    let memory = Memory::new(1);
    let doors = fleet(2, &memory);
    let _ = call(&doors[0], Err(Verdict::Limited(Some(20 * SECOND)))).await;
    for door in &doors {
        let refused = call(door, Ok(())).await;
        assert_eq!(refused.unwrap_err().reason(), "parked");
    }
    assert_eq!(doors[0].status().breaker.failures, 0, "a limit is no fault");
    tokio::time::advance(20 * SECOND).await;
    call(&doors[0], Ok(())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_the_store_the_last_view_holds_and_then_each_decides_alone() {
    let memory = Memory::new(1);
    let doors = fleet(2, &memory);
    for _ in 0..5 {
        let _ = fail(&doors[0]).await;
    }
    memory.set(Weather { down: true, ..Weather::default() });
    assert!(is_open(&call(&doors[0], Ok(())).await), "open stays open");
    tokio::time::advance(31 * SECOND).await;
    assert!(is_open(&call(&doors[0], Ok(())).await), "one unanswered question is no outage");
    tokio::time::advance(2 * SECOND).await;
    call(&doors[0], Ok(())).await.unwrap();
    assert!(doors[0].status().breaker.alone);
    // An environment that never saw the store calls, and counts for itself.
    for _ in 0..5 {
        assert!(!is_open(&fail(&doors[1]).await));
    }
    assert!(is_open(&fail(&doors[1]).await));
    memory.set(Weather::default());
    tokio::time::advance(6 * SECOND).await;
    let _ = call(&doors[0], Ok(())).await;
    assert!(!doors[0].status().breaker.alone, "the fleet is heard again");
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_costs_a_call_its_allowance_and_no_more() {
    let memory = Memory::new(1);
    let door = &fleet(1, &memory)[0];
    memory.set(Weather { stalled: true, ..Weather::default() });
    let started = clock::now();
    let _ = fail(door).await;
    assert!(started.elapsed() <= Duration::from_millis(100), "{:?}", started.elapsed());
}

/// However many dependencies it asks, one after the other or at once, on an account that its inner calls share.
#[tokio::test(start_paused = true)]
async fn one_request_waits_for_a_stalled_store_once() {
    let memory = Memory::new(1);
    let core = &cores(1, &memory)[0];
    let doors = ["tavily", "openai", "anthropic", "apertium", "amazon_translate"].map(|name| core.dependency(name));
    memory.set(Weather { stalled: true, ..Weather::default() });
    let allowance = Duration::from_millis(50);
    for at_once in [false, true] {
        let started = clock::now();
        let request = async {
            if at_once {
                futures_util::future::join_all(doors.iter().map(fail)).await;
            } else {
                for door in &doors {
                    let _ = fail(door).await;
                }
            }
        };
        RequestContext::new(Criticality::Default, allowance).run(request).await;
        assert!(started.elapsed() <= allowance + Duration::from_millis(2), "{at_once}: {:?}", started.elapsed());
    }
}
