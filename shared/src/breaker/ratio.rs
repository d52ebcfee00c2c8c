//! Trips by share: how many calls of the fleet failed, or were slow, in the last while.
//!
//! The environment that sees a failure reports it together with the good calls since its last report, into one of a
//! few buckets of time. A healthy environment writes nothing: so the share that is seen is too high rather than too
//! low, and `minimum_throughput` keeps it from deciding on little.

use super::{
    record::{BUCKETS, EPOCH, FAILED, REPORT, REPORTERS, Record, SEEN, SLOW},
    rules::RatioRules,
};
use crate::control::{Item, Test, Value, Write};

/// Calls of this environment since its last report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All.
    pub calls: i64,
    /// The failed ones.
    pub failed: i64,
    /// The slow ones.
    pub slow: i64,
}

/// A report on its way, numbered so that it counts once.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Who reports.
    pub environment: &'a str,
    /// Its how-manieth report it is.
    pub sequence: u64,
    /// What it saw.
    pub tally: Tally,
}

impl Report<'_> {
    /// The write: into the bucket of `now`, if this report is not in yet.
    pub fn write(&self, seen: &Record, item: Option<&Item>, now: i64, rules: &RatioRules) -> Write {
        let epoch = now / bucket(rules);
        let place = place(epoch);
        let reporter = REPORT[self.reporter()];
        let number = format!("{}:{}", self.environment, self.sequence);
        let same = [Test::Equals("st", "C".into()), Test::Equals("gen", Value::Number(seen.generation))];
        let first = [Test::Absent(reporter), Test::Differs(reporter, number.as_str().into())];
        let counts =
            [(SEEN[place], self.tally.calls), (FAILED[place], self.tally.failed), (SLOW[place], self.tally.slow)];
        let current = item.and_then(|item| item.number(EPOCH[place])) == Some(epoch);
        let write = if seen.exists {
            Write::when(same)
        } else {
            Write::when([Test::Absent("st")]).set("v", 1).set("st", "C").set("gen", 0)
        };
        let write = write.and_any(first).set(reporter, number);
        if current {
            let same_bucket = write.and_any([Test::Equals(EPOCH[place], Value::Number(epoch))]);
            return counts.into_iter().fold(same_bucket, |write, (name, count)| write.add(name, count));
        }
        let older = write.and_any([Test::Absent(EPOCH[place]), Test::AtMost(EPOCH[place], epoch - 1)]);
        counts.into_iter().fold(older.set(EPOCH[place], epoch), |write, (name, count)| write.set(name, count))
    }

    /// Environments share places; two that share one may count a report twice, which trips early, never late.
    fn reporter(&self) -> usize {
        self.environment.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)))
            % REPORTERS
    }
}

/// Whether what the buckets hold is too much.
pub fn too_high(item: &Item, now: i64, rules: &RatioRules) -> bool {
    let epoch = now / bucket(rules);
    let span = i64::try_from(BUCKETS).unwrap_or(1);
    let live = |place: &usize| item.number(EPOCH[*place]).is_some_and(|held| held > epoch - span && held <= epoch + 1);
    let mut sum = Tally::default();
    for place in (0..BUCKETS).filter(live) {
        sum.calls += item.number(SEEN[place]).unwrap_or(0);
        sum.failed += item.number(FAILED[place]).unwrap_or(0);
        sum.slow += item.number(SLOW[place]).unwrap_or(0);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a minute")]
    let reaches = |part: i64, ratio: f64| part as f64 >= ratio * sum.calls as f64;
    sum.calls >= rules.minimum.max(1)
        && (rules.failures.is_some_and(|ratio| reaches(sum.failed, ratio))
            || rules.slow.is_some_and(|(_, ratio)| reaches(sum.slow, ratio)))
}

fn bucket(rules: &RatioRules) -> i64 {
    (rules.sampling / i64::try_from(BUCKETS).unwrap_or(1)).max(1)
}

fn place(epoch: i64) -> usize {
    usize::try_from(epoch.rem_euclid(i64::try_from(BUCKETS).unwrap_or(1))).unwrap_or(0)
}
