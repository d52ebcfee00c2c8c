//! One meaning of a write: what `Write::apply` says is what DynamoDB does, for every row of the protocols and for
//! whatever chance puts together.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use local::dynamo::{Dynamo, DynamoConfig};
use shared::{
    breaker::{
        ratio::{Report, Tally},
        record::{Forced, Record, State},
        row::{Moment, Row},
        rules::Rules,
    },
    control::{Store, Table, Test, Write, Written},
    deadline::Deadline,
    policy::Policy,
    rate::{Grant, Quota, bucket, window},
};
use tests::{fleet::Memory, parts};

pub fn policy() -> Policy {
    let overlay = "dependencies: {overrides: {control_table: {timeout: 5s}}}";
    Policy::overlaid(overlay).unwrap()
}

pub async fn sdk(endpoint: &str) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new("us-east-1"));
    let loader = loader.credentials_provider(Credentials::new("local", "local", None, None, "test"));
    loader.retry_config(aws_config::retry::RetryConfig::disabled()).endpoint_url(endpoint).load().await
}

struct Both {
    memory: Arc<Memory>,
    table: Table,
    key: String,
}

impl Both {
    async fn write(&self, write: &Write) -> Written {
        let deadline = Deadline::within(Duration::from_secs(5));
        let here = self.memory.write(deadline, &self.key, write).await.unwrap();
        let there = self.table.write(deadline, &self.key, write).await.unwrap();
        assert_eq!(here, there, "{write:?}");
        let read = self.table.read(deadline, &self.key).await.unwrap();
        assert_eq!(read, self.memory.item(&self.key));
        here
    }

    fn record(&self) -> Record {
        Record::of(self.memory.item(&self.key).as_ref())
    }
}

/// A row that may hold after `seen`, mostly; else any.
fn row(chance: &mut fastrand::Rng, seen: &Record, now: i64) -> Row {
    let slot = chance.usize(0..3);
    let closed = [Row::Count, Row::Restart, Row::Trip, Row::TripByRatio, Row::Reset];
    let half_open = [Row::Acquire(slot), Row::Succeed(slot), Row::Close(slot), Row::Reopen(slot), Row::Release(slot)];
    let rare = [Row::Force(Forced::Open), Row::Force(Forced::No), Row::Park(now + 1_000), Row::Repair];
    let fitting = match seen.state {
        _ if seen.forced != Forced::No => &rare[1..2],
        State::Closed => &closed[..],
        State::Open => &[Row::Begin][..],
        State::HalfOpen => &half_open[..],
    };
    match chance.u8(0..20) {
        0 => *chance.choice(&rare).unwrap(),
        1..4 => *chance.choice(closed.iter().chain(&half_open).chain(&[Row::Begin]).collect::<Vec<_>>()).unwrap(),
        _ => *chance.choice(fitting).unwrap(),
    }
}

#[tokio::test]
async fn the_emulator_and_the_pure_meaning_agree() {
    parts::used("dynamodb");
    let dynamo = Dynamo::start(DynamoConfig::default()).await.unwrap();
    let sdk = sdk(&dynamo.url()).await;
    let rules = Rules::of(policy().dependency("tavily"));
    let ratio = shared::breaker::rules::RatioRules { failures: Some(0.5), slow: None, minimum: 1, sampling: 60_000 };
    let (mut done, mut lost) = (0, 0);
    for seed in 0..12_u64 {
        eprintln!("seed {seed}");
        let mut chance = fastrand::Rng::with_seed(seed);
        // Few nonces, so that the same one comes again.
        let nonces = ["a", "b", "c", "d"];
        let table = Table::new(local::dynamo::CONTROL, &sdk, &policy());
        let both = Both { memory: Memory::new(seed), table, key: format!("CB#{seed}") };
        let (mut now, mut seen) = (1_000_000, Record::default());
        for step in 0..80_u64 {
            now += chance.i64(0..8_000);
            let row = row(&mut chance, &seen, now);
            let holder = match row {
                Row::Succeed(slot) | Row::Close(slot) | Row::Reopen(slot) | Row::Release(slot) => {
                    seen.slots[slot].token.as_deref()
                }
                _ => None,
            };
            let nonce = holder.unwrap_or(nonces[chance.usize(0..nonces.len())]);
            let moment = Moment { now, nonce, jitter: 0.3 };
            let mut write = row.write(&seen, &rules, moment);
            if chance.f64() < 0.1 {
                let tally = Tally { calls: 3, failed: 1, slow: 0 };
                let report = Report { environment: "e", sequence: step, tally };
                write = report.write(&seen, both.memory.item(&both.key).as_ref(), now, &ratio);
            }
            match both.write(&write).await {
                Written::Done(_) => done += 1,
                Written::Lost(_) => lost += 1,
            }
            // Decided on what is, or on what was.
            if chance.f64() < 0.8 {
                seen = both.record();
            }
        }
    }
    eprintln!("{done} writes held, {lost} were lost");
    assert!(done > 200 && lost > 200, "{done} {lost}");
}

#[tokio::test]
async fn tests_of_absent_attributes_mean_the_same() {
    parts::used("dynamodb");
    let dynamo = Dynamo::start(DynamoConfig::default()).await.unwrap();
    let table = Table::new(local::dynamo::CONTROL, &sdk(&dynamo.url()).await, &policy());
    let both = Both { memory: Memory::new(0), table, key: "RL#absent".to_owned() };
    let tests = [
        Test::Absent("tat"),
        Test::Present("tat"),
        Test::Equals("tat", 1.into()),
        Test::Differs("tat", 1.into()),
        Test::AtMost("tat", 5),
        Test::Above("tat", 5),
        Test::Equals("tat", "text".into()),
        Test::AtMost("st", 5),
    ];
    for value in [None, Some(1), Some(6)] {
        for test in &tests {
            let reset = value.map_or(Write::when([]).remove(["tat"]), |value| Write::when([]).set("tat", value));
            both.write(&reset.set("st", "text")).await;
            both.write(&Write::when([test.clone()]).add("i", 1).set("block", 7)).await;
        }
    }
}

/// A limiter's rows: turns of both algorithms, corrections, pauses.
#[tokio::test]
async fn limiters_mean_the_same() {
    parts::used("dynamodb");
    let dynamo = Dynamo::start(DynamoConfig::default()).await.unwrap();
    let table = Table::new(local::dynamo::CONTROL, &sdk(&dynamo.url()).await, &policy());
    let both = Both { memory: Memory::new(0), table, key: "RL#both".to_owned() };
    let quota = Quota { limit: 5, per: 10_000, burst: 3, max_wait: 20_000, arrival: 500, fleet: true };
    let mut chance = fastrand::Rng::with_seed(9);
    let (mut now, mut seen, mut done) = (1_000_000, None, 0);
    for step in 0..150 {
        now += chance.i64(0..4_000);
        let turn = match step % 5 {
            0 | 1 => window::reserve(seen.as_ref(), now, &quota),
            2 | 3 => bucket::reserve(seen.as_ref(), now, chance.i64(1..3), &quota),
            _ => Ok((bucket::adjust(chance.i64(-3..3), &quota), Grant { at: now })),
        };
        let Ok((write, _)) = turn else { continue };
        done += usize::from(matches!(both.write(&write).await, Written::Done(_)));
        if chance.f64() < 0.7 {
            seen = both.memory.item(&both.key);
        }
    }
    assert!(done > 50, "{done}");
}
