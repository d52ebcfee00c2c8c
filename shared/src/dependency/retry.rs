//! Retries: full jitter between nothing and a growing pause (AWS Architecture Blog, "Exponential backoff and jitter"),
//! and a budget, so that a fault is not answered with a multiple of the traffic (Google SRE book, chapter 21).

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use crate::policy::RetryLimits;

/// A thousandth of a retry: shares of traffic are counted in whole numbers.
const RETRY: i64 = 1_000;
/// What a quiet time may save up, in calls.
const REMEMBERED_CALLS: f64 = 100.0;

/// Grows with every call, shrinks with every retry or hedge.
#[derive(Debug)]
pub(super) struct RetryBudget {
    balance: AtomicI64,
    deposit: AtomicI64,
    most: AtomicI64,
}

impl RetryBudget {
    pub(super) fn new(limits: &RetryLimits) -> Self {
        let (deposit, most) = amounts(limits);
        let balance = i64::from(limits.budget_reserve) * RETRY;
        Self { balance: balance.into(), deposit: deposit.into(), most: most.into() }
    }

    pub(super) fn adopt(&self, limits: &RetryLimits) {
        let (deposit, most) = amounts(limits);
        self.deposit.store(deposit, Ordering::Relaxed);
        self.most.store(most, Ordering::Relaxed);
    }

    /// A call was made for the first time.
    pub(super) fn deposit(&self) {
        let most = self.most.load(Ordering::Relaxed);
        if self.balance.load(Ordering::Relaxed) < most {
            self.balance.fetch_add(self.deposit.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Whether one more attempt is affordable; if so, it is paid.
    pub(super) fn withdraw(&self) -> bool {
        let pay = |balance| (balance >= RETRY).then_some(balance - RETRY);
        self.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay).is_ok()
    }
}

impl RetryLimits {
    /// The pause before attempt `turn` + 1; 0 ≤ `jitter` < 1.
    pub(super) fn backoff(&self, turn: u32, jitter: f64) -> Duration {
        let longest = self.base.saturating_mul(2_u32.saturating_pow(turn.saturating_sub(1))).min(self.cap);
        longest.mul_f64(jitter)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small shares")]
fn amounts(limits: &RetryLimits) -> (i64, i64) {
    let deposit = (limits.budget_ratio * RETRY as f64) as i64;
    let saved = (limits.budget_ratio * REMEMBERED_CALLS * RETRY as f64) as i64;
    (deposit, i64::from(limits.budget_reserve) * RETRY + saved)
}
