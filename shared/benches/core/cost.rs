//! What a guarded call costs when nothing is in its way: one thread, a closed breaker, a fresh view, free permits.

use std::{
    error::Error,
    hint::black_box,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use shared::{
    breaker::State,
    clock,
    dependency::{Dependency, Effect},
    policy::DependencyLimits,
};
use tokio::sync::Semaphore;

use super::subject::{Failed, dependency, later};

const ROUNDS: usize = 15;
const CALLS: u32 = 100_000;
/// What a call may cost beyond the bare future.
const TARGET: Duration = Duration::from_micros(2);

/// One thing that is measured: its name, and how long each round took.
struct Row {
    name: &'static str,
    rounds: Vec<Duration>,
}

impl Row {
    /// Nanoseconds for each call, in the middle round.
    fn each(&self) -> f64 {
        let mut rounds = self.rounds.clone();
        rounds.sort();
        rounds[rounds.len() / 2].as_secs_f64() * 1e9 / f64::from(CALLS)
    }
}

/// What a variant changes in the policy.
type Change = fn(&mut DependencyLimits);

/// Prints what a call costs, with less and with more that is recorded about it.
pub async fn report() -> Result<(), Box<dyn Error>> {
    let variants: [(&str, Change); 5] = [
        ("guarded call", |_| {}),
        (".. and a breaker by ratio", by_ratio),
        (".. and an adaptive limit", |limits| limits.adaptive = true),
        (".. and hedging", |limits| limits.retry.hedge = true),
        (".. and all of these", |limits| {
            by_ratio(limits);
            limits.adaptive = true;
            limits.retry.hedge = true;
        }),
    ];
    let doors: Vec<_> = variants.iter().map(|(_, change)| dependency(change)).collect::<Result<_, _>>()?;
    let names = ["bare future", "tokio Semaphore + timeout"].into_iter().chain(variants.map(|(name, _)| name));
    let mut rows: Vec<_> = names.map(|name| Row { name, rounds: Vec::new() }).collect();
    for _ in 0..ROUNDS {
        rows[0].rounds.push(bare().await);
        rows[1].rounds.push(semaphore().await?);
        for (row, (door, _)) in rows[2..].iter_mut().zip(&doors) {
            row.rounds.push(guarded(door).await);
        }
    }
    show(&rows);
    let asked: u64 = doors.iter().map(|(_, memory)| memory.asked()).sum();
    let calls = u64::from(CALLS) * ROUNDS as u64 * doors.len() as u64;
    println!("  the fleet's memory was asked {asked} times for {calls} calls");
    refused().await
}

/// Prints what it costs to be refused by an open circuit.
async fn refused() -> Result<(), Box<dyn Error>> {
    let (door, memory) = dependency(|_| {})?;
    while door.status().breaker.state != State::Open {
        let _ = door.call(later(), Effect::Once, |_| async { Err::<(), _>(Failed) }).await;
    }
    let before = memory.asked();
    let (sent, began) = (AtomicU32::new(0), clock::now());
    for number in 0..CALLS {
        let attempt = |_| {
            sent.fetch_add(1, Ordering::Relaxed);
            work(number)
        };
        let _ = black_box(door.call(later(), Effect::Idempotent, attempt).await);
    }
    let each = (clock::now() - began) / CALLS;
    let (sent, asked) = (sent.into_inner(), memory.asked() - before);
    println!(
        "An open circuit refuses in {each:?}: of {CALLS} calls {sent} went out; the fleet's memory was asked {asked} times"
    );
    Ok(())
}

fn by_ratio(limits: &mut DependencyLimits) {
    limits.breaker.failure_ratio = Some(0.5);
    limits.breaker.slow_call_threshold = Some(limits.timeout / 2);
}

fn show(rows: &[Row]) {
    let (bare, baseline) = (rows[0].each(), rows[1].each());
    println!("One uncontended call, one thread: median of {ROUNDS} rounds of {CALLS}");
    println!("  {:<28} {:>9} {:>12} {:>14}", "", "ns/call", "beyond bare", "x semaphore");
    for row in rows {
        let each = row.each();
        println!("  {:<28} {each:>9.1} {:>12.1} {:>14.2}", row.name, each - bare, each / baseline);
    }
    let worst = rows[2..].iter().map(Row::each).fold(0.0, f64::max) - bare;
    let target = TARGET.as_secs_f64() * 1e9;
    let kept = if worst <= target { "kept" } else { "MISSED" };
    println!("  target of {target:.0} ns beyond the bare future: {kept}, at most {worst:.0} ns");
}

async fn work(number: u32) -> Result<u32, Failed> {
    Ok(black_box(number))
}

async fn bare() -> Duration {
    let began = clock::now();
    for number in 0..CALLS {
        let _ = black_box(work(number).await);
    }
    clock::now() - began
}

/// What one would write without a core.
async fn semaphore() -> Result<Duration, Box<dyn Error>> {
    let permits = Semaphore::new(12);
    let began = clock::now();
    for number in 0..CALLS {
        let permit = permits.acquire().await?;
        let _ = black_box(tokio::time::timeout(Duration::from_millis(800), work(number)).await?);
        drop(permit);
    }
    Ok(clock::now() - began)
}

async fn guarded(door: &Dependency) -> Duration {
    let deadline = later();
    let began = clock::now();
    for number in 0..CALLS {
        let _ = black_box(door.call(deadline, Effect::Idempotent, |_| work(number)).await);
    }
    clock::now() - began
}
