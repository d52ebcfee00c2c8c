//! What an operator sees in one environment is what the fleet decided in others.

use std::{sync::Arc, time::Duration};

use shared::{
    breaker::State,
    context::RequestContext,
    control::Store,
    core::Core,
    deadline::Deadline,
    dependency::{Effect, Verdict},
    policy::Policy,
};
use tests::fleet::{Ends, Memory, Weather, environment};

const SECOND: Duration = Duration::from_secs(1);

async fn call(core: &Core, outcome: Result<(), Verdict>) {
    let attempt = |_| async move { outcome.map_err(Ends) };
    let _ = core.dependency("openai").call(Deadline::within(SECOND), Effect::Once, attempt).await;
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_made_no_call_shows_the_fleets_breaker_and_window() {
    let memory = Memory::new(1);
    let [busy, idle] = [0, 1]
        .map(|number| environment(number, Policy::embedded().unwrap(), Some(memory.clone() as Arc<dyn Store>), 0));
    let seen = || idle.dependency("openai").status();
    for _ in 0..3 {
        call(&busy, Ok(())).await;
    }
    assert_eq!(seen().rate.unwrap().used, Some(0));
    idle.look(Deadline::within(SECOND)).await;
    assert_eq!((seen().rate.unwrap().used, seen().breaker.state), (Some(3), State::Closed));
    for _ in 0..5 {
        call(&busy, Err(Verdict::Fault)).await;
    }
    // A closed view is good for a while.
    tokio::time::sleep(10 * SECOND).await;
    idle.look(Deadline::within(SECOND)).await;
    let status = seen();
    assert_eq!((status.breaker.state, status.breaker.generation, status.ok), (State::Open, 1, 0), "{status:?}");
    assert!(status.breaker.retry_after_ms > 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_leaves_what_was_last_seen_and_costs_a_request_its_allowance() {
    let memory = Memory::new(1);
    let core = environment(0, Policy::embedded().unwrap(), Some(memory.clone() as Arc<dyn Store>), 0);
    call(&core, Ok(())).await;
    memory.set(Weather { stalled: true, ..Weather::default() });
    tokio::time::sleep(10 * SECOND).await;
    let began = shared::clock::now();
    // One request has one allowance for all that it asks.
    RequestContext::default().run(core.look(Deadline::within(SECOND))).await;
    assert!(shared::clock::now() - began <= Duration::from_millis(51));
    assert_eq!(core.dependency("openai").status().rate.unwrap().used, Some(1));
}
