//! The proof of capacity: the fleet at its worst beside what each dependency allows.
//!
//! The worst is every environment that Lambda may start for a function (its reserved concurrency), each with as many
//! calls in flight as one request may start, never more than the bulkhead's `concurrent`. Classic Lambda serves one
//! request in an environment at a time; `AWS_LAMBDA_MAX_CONCURRENCY` (Managed Instances) is a factor on that. Attempts
//! follow each other and so do not add to what is in flight; a hedge does.

mod control;
mod limiter;

use std::fmt;

use shared::policy::{FunctionLimits, Kind, Known, Policy};

/// One question of the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Of what: a dependency and a unit.
    pub what: String,
    /// The most that there can be; none: nothing bounds it.
    pub worst: Option<u64>,
    /// The most that is allowed; none: no limit is known.
    pub allowed: Option<u64>,
    /// Whether that is well.
    pub verdict: Verdict,
    /// How the worst comes about.
    pub how: String,
}

/// Whether the worst fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Fits,
    /// The policy names no limit of the other side.
    NoLimit,
    /// What exceeds it is refused with 429 before it costs anything; callers answer without it or refuse in turn.
    Throttled,
    /// It does not.
    TooMuch,
}

/// All lines for a policy, with `requests` served in an environment at once (1 on classic Lambda).
pub fn proof(policy: &Policy, requests: u64) -> Vec<Line> {
    let mut lines = vec![account(policy), connections(policy, requests)];
    for (name, known) in &policy.dependencies.overrides {
        let fleet = Fleet { policy, name, known, requests };
        lines.push(fleet.in_flight());
        lines.extend(limiter::lines(&fleet));
    }
    lines.extend(control::lines(policy, requests));
    lines
}

/// A dependency and those who call it.
struct Fleet<'a> {
    policy: &'a Policy,
    name: &'a str,
    known: &'a Known,
    requests: u64,
}

impl Fleet<'_> {
    fn environments(&self) -> u64 {
        wide(self.policy.environments(self.name))
    }

    /// Calls at once, over all environments, and how they come about.
    fn worst(&self) -> (u64, String) {
        let (mut worst, mut how) = (0, Vec::new());
        for user in &self.known.used_by {
            let environments = wide(self.policy.function(user).reserved_concurrency);
            let each = self.each(user);
            worst += environments * each;
            how.push(format!("{user} {environments} x {each}"));
        }
        (worst, how.join(" + "))
    }

    /// Calls at once from one environment of `function`.
    fn each(&self, function: &str) -> u64 {
        let limits = &self.known.limits;
        let provider = function == "translate" && self.known.kind == Kind::Provider;
        let of_one = if provider { self.policy.translate.chunks_at_once } else { self.known.per_request };
        let hedged = if limits.retry.hedge { 2 } else { 1 };
        (self.requests * wide(of_one) * hedged).min(wide(limits.concurrent))
    }

    fn in_flight(&self) -> Line {
        let (worst, how) = self.worst();
        let what = format!("{} calls in flight", self.name);
        if self.known.kind == Kind::Peer {
            let callee = wide(self.policy.function(self.name).reserved_concurrency) * self.requests;
            let excess = worst.saturating_sub(callee);
            let how = format!("{how}; {excess} of them throttled by Lambda when all come at once");
            return Line { verdict: Verdict::Throttled, ..Line::new(what, worst, Some(callee), how) }.unless_it_fits();
        }
        Line::new(what, worst, self.known.allows.in_flight.map(wide), how)
    }
}

/// What all functions reserve, within what the account may run.
fn account(policy: &Policy) -> Line {
    let functions = &policy.functions;
    let all =
        [&functions.orchestrate, &functions.translate, &functions.sanitize, &functions.retrieve, &functions.search];
    let reserved: usize = all.map(|limits: &FunctionLimits| limits.reserved_concurrency).iter().sum();
    let lambda = &policy.lambda;
    let allowed = lambda.account_concurrency.saturating_sub(lambda.unreserved_concurrency);
    let how = "reserved by all functions; what Lambda keeps unreserved is left out".to_owned();
    Line::new("lambda environments".to_owned(), wide(reserved), Some(wide(allowed)), how)
}

/// Connections: each environment that speaks to Postgres has one pool for reads and writes.
fn connections(policy: &Policy, requests: u64) -> Line {
    let (postgres, environments) = (&policy.postgres, wide(policy.environments("postgres")));
    let pool = match requests {
        0..=1 => postgres.connections_on_classic_lambda,
        _ => postgres.connections_on_a_server,
    };
    let allowed = wide(postgres.max_connections.saturating_sub(postgres.kept_free));
    let how = format!("{environments} environments x a pool of {pool}");
    Line::new("postgres connections".to_owned(), environments * wide(pool), Some(allowed), how)
}

impl Line {
    fn new(what: String, worst: u64, allowed: Option<u64>, how: String) -> Self {
        let verdict = match allowed {
            None => Verdict::NoLimit,
            Some(allowed) if worst <= allowed => Verdict::Fits,
            Some(_) => Verdict::TooMuch,
        };
        Self { what, worst: Some(worst), allowed, verdict, how }
    }

    fn unless_it_fits(self) -> Self {
        let verdict = if self.worst <= self.allowed { Verdict::Fits } else { self.verdict };
        Self { verdict, ..self }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: Option<u64>, none: &str| count.map_or(none.to_owned(), |count| count.to_string());
        let (worst, allowed) = (count(self.worst, "no bound"), count(self.allowed, "unknown"));
        let Self { what, verdict, how, .. } = self;
        write!(out, "{what:34} {worst:>8} of {allowed:>8}  {verdict:9}  {how}")
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Fits => "fits",
            Self::NoLimit => "-",
            Self::Throttled => "throttled",
            Self::TooMuch => "TOO MUCH",
        })
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(overlay: &str, requests: u64, what: &str) -> Line {
        let lines = proof(&Policy::overlaid(overlay).unwrap(), requests);
        lines.iter().find(|line| line.what == what).unwrap_or_else(|| panic!("{lines:#?}")).clone()
    }

    fn numbers(overlay: &str, requests: u64, what: &str) -> (Option<u64>, Option<u64>, Verdict) {
        let line = line(overlay, requests, what);
        (line.worst, line.allowed, line.verdict)
    }

    #[test]
    fn the_shipped_policy_fits() {
        let lines = proof(&Policy::embedded().unwrap(), 1);
        assert!(lines.iter().all(|line| line.verdict != Verdict::TooMuch), "{lines:#?}");
    }

    #[test]
    fn connections_are_environments_times_pool() {
        let what = "postgres connections";
        assert_eq!(numbers("", 1, what), (Some(40), Some(90), Verdict::Fits));
        let more = "functions: { retrieve: { reserved_concurrency: 46 } }";
        assert_eq!(numbers(more, 1, what), (Some(92), Some(90), Verdict::TooMuch));
        assert_eq!(numbers("", 8, what), (Some(160), Some(90), Verdict::TooMuch));
    }

    #[test]
    fn a_bulkhead_bounds_what_many_requests_send_and_a_hedge_doubles_it() {
        let what = "tavily calls in flight";
        assert_eq!(numbers("", 1, what), (Some(16), Some(20), Verdict::Fits));
        assert_eq!(numbers("", 64, what).0, Some(16 * 14));
        let hedged = "dependencies: { overrides: { tavily: { retry: { hedge: true } } } }";
        assert_eq!(numbers(hedged, 1, what), (Some(32), Some(20), Verdict::TooMuch));
    }

    #[test]
    fn what_a_callee_has_no_environments_for_is_said_to_be_throttled() {
        let line = line("", 1, "retrieve calls in flight");
        assert_eq!((line.worst, line.allowed, line.verdict), (Some(40), Some(20), Verdict::Throttled));
        assert!(line.how.contains("20 of them throttled"), "{}", line.how);
    }

    #[test]
    fn a_limiter_bounds_the_calls_of_a_minute_and_nothing_else_does() {
        let what = "openai calls in a minute";
        assert_eq!(numbers("", 1, what), (Some(60), Some(60), Verdict::Fits));
        let bucket = "dependencies: { overrides: { openai: { rate: { algorithm: bucket, limit: 61 } } } }";
        assert_eq!(numbers(bucket, 1, what), (Some(61), Some(60), Verdict::TooMuch));
        let alone = "dependencies: { overrides: { openai: { rate: { scope: process } } } }";
        assert_eq!(numbers(alone, 1, what).0, Some(80 * 60));
        let none = "dependencies: { overrides: { openai: { rate: null } } }";
        assert_eq!(numbers(none, 1, what), (None, Some(60), Verdict::TooMuch));
        let what = "openai calls in a minute, no store";
        assert_eq!(numbers("", 1, what), (Some(0), Some(60), Verdict::Fits), "60 is no call for each of 80");
        let admitting = "dependencies: { overrides: { openai: { rate: { without_store: admit } } } }";
        assert_eq!(numbers(admitting, 1, what), (None, Some(60), Verdict::TooMuch));
    }
}
