//! Rate limits that twenty environments keep together.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use shared::{
    clock::{self, Wall},
    control::Store,
    deadline::Deadline,
    policy::{Algorithm, Policy, RateLimits, RateWithoutStore, Scope},
    rate::RateLimiter,
};
use tests::fleet::{Memory, Weather};
use tokio::{task::JoinSet, time::Instant};

const SECOND: Duration = Duration::from_secs(1);
const ENVIRONMENTS: usize = 20;

fn limits(algorithm: Algorithm, max_wait: Duration) -> RateLimits {
    RateLimits {
        limit: 60,
        per: 60 * SECOND,
        algorithm,
        burst: 5,
        scope: Scope::Fleet,
        max_wait,
        without_store: RateWithoutStore::LocalShare,
    }
}

/// Environments whose clocks differ by up to a second, each asking all the time for ten minutes; when calls went out.
async fn pressed(memory: &Arc<Memory>, limits: &RateLimits, seed: u64) -> Vec<Instant> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let started = clock::now();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let mut environments = JoinSet::new();
    for number in 0..ENVIRONMENTS {
        let wall = Wall::Virtual { since: started, skew_ms: chance.i64(-500..=500) };
        let store = memory.clone() as Arc<dyn Store>;
        let limiter = RateLimiter::new("pressed", limits, ENVIRONMENTS, Some(store), wall);
        let (calls, mut chance) = (calls.clone(), fastrand::Rng::with_seed(seed + number as u64));
        environments.spawn(async move {
            while started.elapsed() < 600 * SECOND {
                let deadline = Deadline::within(30 * SECOND);
                match limiter.acquire(1, deadline, deadline).await {
                    Ok(()) => {
                        // From its grant to its arrival a call takes a moment.
                        tokio::time::sleep(Duration::from_millis(chance.u64(0..400))).await;
                        calls.lock().unwrap().push(clock::now());
                    }
                    Err(not) => tokio::time::sleep(not.retry_after.max(Duration::from_millis(50))).await,
                }
            }
        });
    }
    environments.join_all().await;
    let mut calls = Arc::into_inner(calls).unwrap().into_inner().unwrap();
    calls.sort();
    calls
}

/// The most calls in any window of a minute.
fn most_in_a_window(calls: &[Instant]) -> usize {
    let after = |from: usize| calls[from..].iter().take_while(|at| **at - calls[from] < 60 * SECOND).count();
    (0..calls.len()).map(after).max().unwrap_or(0)
}

fn rate(calls: &[Instant]) -> f64 {
    calls.len() as f64 / (calls[calls.len() - 1] - calls[0]).as_secs_f64() * 60.0
}

#[tokio::test(start_paused = true)]
async fn no_window_ever_holds_more_than_the_limit() {
    for seed in 0..5_u64 {
        let memory = Memory::new(seed);
        memory.set(Weather { latency: Duration::from_millis(5), ..Weather::default() });
        let calls = pressed(&memory, &limits(Algorithm::Window, 2 * SECOND), seed).await;
        let (most, rate) = (most_in_a_window(&calls), rate(&calls));
        let writes = memory.traffic().1 as f64 / calls.len() as f64;
        eprintln!("window, seed {seed}: at most {most} in a minute, {rate:.1} a minute, {writes:.1} writes a call");
        assert!(most <= 60, "seed {seed}: {most}");
        assert!(rate >= 54.0, "seed {seed}: {rate}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_keeps_the_limit_too_and_lets_a_burst_through() {
    let memory = Memory::new(7);
    let calls = pressed(&memory, &limits(Algorithm::Bucket, 2 * SECOND), 7).await;
    let (most, rate) = (most_in_a_window(&calls), rate(&calls));
    eprintln!("bucket: at most {most} in a minute, {rate:.1} a minute");
    assert!(most <= 60 && rate >= 45.0, "{most} {rate}");
}

#[tokio::test(start_paused = true)]
async fn lost_and_repeated_writes_cost_turns_and_never_give_any() {
    let memory = Memory::new(3);
    memory.set(Weather { lost: 0.05, unanswered: 0.05, repeated: 0.05, ..Weather::default() });
    let calls = pressed(&memory, &limits(Algorithm::Window, 2 * SECOND), 3).await;
    assert!(most_in_a_window(&calls) <= 60, "{}", most_in_a_window(&calls));
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_each_keeps_to_its_share() {
    let memory = Memory::new(4);
    memory.set(Weather { down: true, ..Weather::default() });
    let calls = pressed(&memory, &limits(Algorithm::Window, 2 * SECOND), 4).await;
    let (most, rate) = (most_in_a_window(&calls), rate(&calls));
    eprintln!("store away: at most {most} in a minute, {rate:.1} a minute");
    assert!(most <= 60 && rate >= 30.0, "{most} {rate}");
}

#[tokio::test(start_paused = true)]
async fn a_share_too_small_to_keep_is_none() {
    let memory = Memory::new(4);
    memory.set(Weather { down: true, ..Weather::default() });
    let wall = Wall::Virtual { since: clock::now(), skew_ms: 0 };
    let limits = limits(Algorithm::Window, SECOND);
    let limiter = RateLimiter::new("small", &limits, 40, Some(memory as Arc<dyn Store>), wall);
    let soon = Deadline::within(SECOND);
    assert!(limiter.acquire(1, soon, soon).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_for_everybody_and_for_those_who_wait() {
    let memory = Memory::new(4);
    let wall = Wall::Virtual { since: clock::now(), skew_ms: 0 };
    let limiter = |_| {
        RateLimiter::new("paused", &limits(Algorithm::Window, SECOND), 20, Some(memory.clone() as Arc<dyn Store>), wall)
    };
    let [first, second] = [0, 1].map(limiter);
    let soon = || Deadline::within(5 * SECOND);
    first.acquire(1, soon(), soon()).await.unwrap();
    first.block(20 * SECOND, soon()).await;
    let refused = second.acquire(1, soon(), soon()).await.unwrap_err();
    assert!(refused.retry_after > 19 * SECOND, "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_known_without_asking_again() {
    let memory = Memory::new(4);
    let wall = Wall::Virtual { since: clock::now(), skew_ms: 0 };
    let limits = limits(Algorithm::Window, Duration::ZERO);
    let limiter = RateLimiter::new("full", &limits, 20, Some(memory.clone() as Arc<dyn Store>), wall);
    let soon = || Deadline::within(5 * SECOND);
    for _ in 0..60 {
        limiter.acquire(1, soon(), soon()).await.unwrap();
    }
    let before = memory.traffic();
    for _ in 0..1_000 {
        limiter.acquire(1, soon(), soon()).await.unwrap_err();
    }
    assert_eq!(memory.traffic(), before);
}

#[tokio::test(start_paused = true)]
async fn tokens_weigh_what_they_turn_out_to_weigh() {
    let memory = Memory::new(4);
    let wall = Wall::Virtual { since: clock::now(), skew_ms: 0 };
    let limits = RateLimits { limit: 10_000, burst: 2_000, ..limits(Algorithm::Bucket, SECOND) };
    let limiter = RateLimiter::new("tokens", &limits, 1, Some(memory.clone() as Arc<dyn Store>), wall);
    let soon = || Deadline::within(5 * SECOND);
    limiter.acquire(500, soon(), soon()).await.unwrap();
    limiter.adjust(1_500, soon()).await;
    let full = limiter.acquire(500, soon(), soon()).await.unwrap_err();
    limiter.adjust(-1_900, soon()).await;
    limiter.acquire(500, soon(), soon()).await.unwrap();
    assert!(full.retry_after > SECOND);
    assert!(limiter.acquire(3_000, soon(), soon()).await.is_err(), "more than the bucket ever holds");
}

#[test]
fn the_defaults_are_the_providers_published_limits() {
    let policy = Policy::embedded().unwrap();
    let limits: BTreeMap<_, _> = ["openai", "anthropic"]
        .map(|name| (name, policy.dependency(name).rate.as_ref().map(|rate| (rate.limit, rate.per))))
        .into();
    assert_eq!(limits["openai"], Some((60, 60 * SECOND)));
    assert_eq!(limits["anthropic"], Some((50, 60 * SECOND)));
}
