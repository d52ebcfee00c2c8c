//! A thousand virtual environments on the paused clock: skewed clocks, a store that fails in every way, environments
//! that freeze, a provider that breaks and recovers. What must hold: never more probes than permits, never a call
//! after the fleet knows, and answers again soon after the provider is well.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use shared::{
    breaker::State,
    clock::{self, Wall},
    control::Store,
    deadline::Deadline,
    dependency::{CallError, Dependency, Effect, Verdict},
};
use tests::fleet::{Ends, Memory, Weather, environment_at};
use tokio::{task::JoinSet, time::Instant};

use crate::breaker::policy;

const SECOND: Duration = Duration::from_secs(1);
const ENVIRONMENTS: usize = 1_000;

/// The provider, and what reached it.
#[derive(Debug, Default)]
struct Provider {
    broken: AtomicBool,
    probing: AtomicIsize,
    most_probes: AtomicIsize,
    calls: AtomicUsize,
    answered_at_ms: AtomicI64,
}

type AtomicIsize = std::sync::atomic::AtomicIsize;

impl Provider {
    async fn answer(&self, probe: bool, started: Instant) -> Result<(), Ends> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let _probe = probe.then(|| Probing::new(self));
        tokio::time::sleep(Duration::from_millis(200)).await;
        if self.broken.load(Ordering::Relaxed) {
            return Err(Ends(Verdict::Fault));
        }
        let now = i64::try_from(started.elapsed().as_millis()).unwrap();
        let _ = self.answered_at_ms.compare_exchange(-1, now, Ordering::Relaxed, Ordering::Relaxed);
        Ok(())
    }
}

/// A probe while it is out.
struct Probing<'a>(&'a Provider);

impl<'a> Probing<'a> {
    fn new(provider: &'a Provider) -> Self {
        let now = provider.probing.fetch_add(1, Ordering::SeqCst) + 1;
        provider.most_probes.fetch_max(now, Ordering::SeqCst);
        Self(provider)
    }
}

impl Drop for Probing<'_> {
    fn drop(&mut self) {
        self.0.probing.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One environment: a call every few seconds, and sometimes a freeze.
async fn live(door: Dependency, provider: Arc<Provider>, mut chance: fastrand::Rng, started: Instant, until: Duration) {
    while started.elapsed() < until {
        tokio::time::sleep(Duration::from_millis(chance.u64(500..4_000))).await;
        if chance.f64() < 0.01 {
            tokio::time::sleep(chance.u32(5..40) * SECOND).await;
        }
        let probe = || door.status().breaker.state == State::HalfOpen;
        let call = door.call(Deadline::within(3 * SECOND), Effect::Once, |_| provider.answer(probe(), started));
        // Some callers lose their patience.
        let patience = if chance.f64() < 0.02 { Duration::from_millis(50) } else { 10 * SECOND };
        let _: Result<Result<(), CallError<Ends>>, _> = tokio::time::timeout(patience, call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_environments_keep_the_promises() {
    for seed in [11, 12, 13] {
        simulate(seed).await;
    }
}

async fn simulate(seed: u64) {
    let memory = Memory::new(seed);
    let mut chance = fastrand::Rng::with_seed(seed);
    let started = clock::now();
    let provider = Arc::new(Provider { answered_at_ms: AtomicI64::new(-1), ..Provider::default() });
    let mut environments = JoinSet::new();
    for number in 0..ENVIRONMENTS {
        let wall = Wall::Virtual { since: started, skew_ms: chance.i64(-500..=500) };
        let core = environment_at(number, policy(), Some(memory.clone() as Arc<dyn Store>), wall);
        let chance = fastrand::Rng::with_seed(seed * 10_000 + number as u64);
        environments.spawn(live(core.dependency("tavily"), provider.clone(), chance, started, 240 * SECOND));
    }
    let rough = Weather {
        latency: Duration::from_millis(8),
        lost: 0.02,
        unanswered: 0.02,
        repeated: 0.02,
        ..Weather::default()
    };
    memory.set(rough);
    tokio::time::sleep(30 * SECOND).await;
    provider.broken.store(true, Ordering::Relaxed);
    tokio::time::sleep(20 * SECOND).await;
    let calls = provider.calls.load(Ordering::Relaxed);
    tokio::time::sleep(60 * SECOND).await;
    let while_broken = provider.calls.load(Ordering::Relaxed) - calls;
    provider.broken.store(false, Ordering::Relaxed);
    let well = started.elapsed();
    provider.answered_at_ms.store(-1, Ordering::Relaxed);
    tokio::time::sleep(40 * SECOND).await;
    let first = provider.answered_at_ms.load(Ordering::Relaxed);
    environments.join_all().await;
    let (reads, writes) = memory.traffic();
    let waited = Duration::from_millis(u64::try_from(first).unwrap_or(u64::MAX)).saturating_sub(well);
    let most = provider.most_probes.load(Ordering::SeqCst);
    eprintln!(
        "seed {seed}: {while_broken} calls in the 60 s while open, first answer {waited:?} after recovery, at most {most} probes, \
         {reads} reads and {writes} writes"
    );
    assert!(first >= 0 && waited <= 31 * SECOND, "seed {seed}: {waited:?}");
    assert!(most <= 3, "seed {seed}: {most}");
    // Rounds of three probes each, and here and there an environment whose replies were lost for long.
    assert!(while_broken <= 12, "seed {seed}: {while_broken}");
}
