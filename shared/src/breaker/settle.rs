//! What a call's end does to its breaker.

use std::time::Duration;

use super::{
    Admission, Breaker, MAX_ROUNDS, Settings,
    admission::Place,
    decide::{Pass, Verdict, settle},
    ratio::{self, Report},
    record::{Forced, Record},
    row::{Moment, Row},
    rules::{Rules, SUSPICIOUS_SKEW_MS},
};
use crate::{
    clock,
    control::{Store, StoreFault},
    deadline::Deadline,
};

impl Admission<'_> {
    /// Says how the call ended. `store` bounds what may be spent on telling the fleet; a fault of the store is
    /// reported and never replaces the call's own result.
    pub async fn settle(mut self, verdict: Verdict, took: Duration, store: Deadline) {
        let Some(mut pass) = self.pass.take() else { return };
        let settings = self.breaker.settings.load();
        let healthy = verdict == Verdict::Success && pass.slot.is_none() && settings.rules.ratio.is_none();
        if healthy && self.breaker.is_untroubled(self.place) {
            return;
        }
        if pass.nonce.is_empty() {
            pass.nonce = self.breaker.identity.nonce();
        }
        match (self.place, self.breaker.store_of(&settings)) {
            (Place::Fleet, Some(fleet)) => {
                self.breaker.settle_with(&**fleet, &settings, &self, pass, (verdict, took), store).await;
            }
            _ => self.breaker.settle_alone(&settings, &pass, verdict),
        }
    }

    /// The dependency asked the fleet to leave it alone for `wait`.
    pub async fn park(mut self, wait: Duration, store: Deadline) {
        let pass = self.pass.take();
        let settings = self.breaker.settings.load();
        let breaker = self.breaker;
        let until = breaker.wall.now_ms().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        tracing::warn!(dependency = breaker.name, wait_ms = wait.as_millis(), "dependency_parked");
        match (self.place, breaker.store_of(&settings)) {
            (Place::Fleet, Some(fleet)) => {
                // A probe that is told to wait has not shown that it is well.
                if let Some(pass) = pass.filter(|pass| pass.slot.is_some()) {
                    let end = (Verdict::Failure, Duration::ZERO);
                    breaker.settle_with(&**fleet, &settings, &self, pass, end, store).await;
                }
                let seen = breaker.last_view();
                if breaker.write(&**fleet, store, Row::Park(until), &seen, "", &settings.rules).await.is_err() {
                    breaker.change_own(Row::Park(until), "", &settings.rules.alone());
                }
            }
            _ => breaker.change_own(Row::Park(until), "", &settings.rules),
        }
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let probe = self.pass.take().filter(|pass| pass.slot.is_some() && self.place == Place::Own);
        if let Some(pass) = probe {
            self.breaker.settle_alone(&self.breaker.settings.load(), &pass, Verdict::Inconclusive);
        }
    }
}

impl Breaker {
    /// An operator's decision, for the whole fleet.
    pub async fn force(&self, forced: Forced, deadline: Deadline) -> Result<(), StoreFault> {
        let Some(fleet) = &self.store else { return Err(StoreFault("not configured")) };
        let rules = self.settings.load().rules.clone();
        for _ in 0..MAX_ROUNDS {
            self.refresh(&**fleet, deadline).await?;
            if self.write(&**fleet, deadline, Row::Force(forced), &self.last_view(), "", &rules).await?.is_some() {
                return Ok(());
            }
        }
        Err(StoreFault("busy"))
    }

    async fn settle_with(
        &self,
        fleet: &dyn Store,
        settings: &Settings,
        admission: &Admission<'_>,
        pass: Pass,
        (verdict, took): (Verdict, Duration),
        deadline: Deadline,
    ) {
        let due = self.count(&settings.rules, verdict, took);
        let nonce = pass.nonce.clone();
        // Whoever's clock is off must not decide by time.
        let mut failed = fleet.clock_skew_ms().abs() > SUSPICIOUS_SKEW_MS;
        failed = failed || self.rounds(fleet, &settings.rules, admission, &pass, verdict, deadline).await.is_err();
        if due && !failed {
            failed = self.report(fleet, &settings.rules, &nonce, deadline).await.is_err();
        }
        if failed && verdict == Verdict::Failure {
            self.count_alone(&settings.rules.alone(), &nonce);
        }
    }

    /// Decides and writes until it holds, or until somebody else has moved the breaker on.
    async fn rounds(
        &self,
        fleet: &dyn Store,
        rules: &Rules,
        admission: &Admission<'_>,
        pass: &Pass,
        verdict: Verdict,
        deadline: Deadline,
    ) -> Result<(), StoreFault> {
        for _ in 0..MAX_ROUNDS {
            let seen = self.last_view();
            let Some(row) = settle(&seen, pass, verdict, self.wall.now_ms(), rules) else { return Ok(()) };
            if row == Row::Reset && !self.may_reset(admission) {
                return Ok(());
            }
            if self.write(fleet, deadline, row, &seen, &pass.nonce, rules).await?.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Only a call that began after the run was seen ends it, and one write for each view is enough.
    fn may_reset(&self, admission: &Admission<'_>) -> bool {
        let mut memory = self.memory();
        let seen = memory.view.asked;
        let after = seen.is_some_and(|asked| admission.began >= asked);
        let first = memory.last_reset.is_none_or(|last| seen.is_some_and(|asked| last < asked));
        let may = after && first;
        if may {
            memory.last_reset = Some(clock::now());
        }
        may
    }

    /// Counts a call for the ratios; whether what was counted is due to be reported.
    fn count(&self, rules: &Rules, verdict: Verdict, took: Duration) -> bool {
        let Some(ratio) = rules.ratio.as_ref().filter(|_| verdict != Verdict::Inconclusive) else { return false };
        let failed = verdict == Verdict::Failure;
        let slow = ratio.slow.is_some_and(|(threshold, _)| took >= threshold);
        let tally = &mut self.memory().tally;
        tally.calls += 1;
        tally.failed += i64::from(failed);
        tally.slow += i64::from(slow);
        (failed && ratio.failures.is_some()) || slow
    }

    async fn report(
        &self,
        fleet: &dyn Store,
        rules: &Rules,
        nonce: &str,
        deadline: Deadline,
    ) -> Result<(), StoreFault> {
        let Some(ratio) = &rules.ratio else { return Ok(()) };
        let (tally, sequence) = {
            let mut memory = self.memory();
            memory.reports += 1;
            (std::mem::take(&mut memory.tally), memory.reports)
        };
        let report = Report { environment: self.identity.name(), sequence, tally };
        for _ in 0..MAX_ROUNDS {
            let view = self.memory().view.clone();
            let now = self.wall.now_ms();
            let (record, won) =
                self.send(fleet, deadline, &report.write(&view.record, view.item.as_ref(), now, ratio)).await?;
            if record.state != super::State::Closed {
                return Ok(());
            }
            if won {
                return self.trip_by_ratio(fleet, rules, nonce, deadline).await;
            }
        }
        Ok(())
    }

    async fn trip_by_ratio(
        &self,
        fleet: &dyn Store,
        rules: &Rules,
        nonce: &str,
        deadline: Deadline,
    ) -> Result<(), StoreFault> {
        let view = self.memory().view.clone();
        let (Some(ratio), Some(item)) = (&rules.ratio, &view.item) else { return Ok(()) };
        if ratio::too_high(item, self.wall.now_ms(), ratio) {
            self.write(fleet, deadline, Row::TripByRatio, &view.record, nonce, rules).await?;
        }
        Ok(())
    }

    /// Whether no run of failures is open: the success of a healthy call changes nothing.
    fn is_untroubled(&self, place: Place) -> bool {
        let memory = self.memory();
        match place {
            Place::Fleet => memory.view.record.failures == 0,
            Place::Own => memory.own.as_ref().is_none_or(|own| own.number("fails").unwrap_or(0) == 0),
        }
    }

    fn settle_alone(&self, settings: &Settings, pass: &Pass, verdict: Verdict) {
        let fleet = self.store_of(settings).is_some();
        let rules = if fleet { settings.rules.alone() } else { settings.rules.clone() };
        self.settle_own(&rules, pass, verdict);
    }

    /// A failure that the fleet could not be told counts here.
    fn count_alone(&self, rules: &Rules, nonce: &str) {
        let generation = Record::of(self.memory().own.as_ref()).generation;
        self.settle_own(rules, &Pass { generation, slot: None, nonce: nonce.to_owned() }, Verdict::Failure);
    }

    fn settle_own(&self, rules: &Rules, pass: &Pass, verdict: Verdict) {
        let seen = Record::of(self.memory().own.as_ref());
        if let Some(row) = settle(&seen, pass, verdict, self.wall.now_ms(), rules) {
            self.change_own(row, &pass.nonce, rules);
        }
    }

    fn change_own(&self, row: Row, nonce: &str, rules: &Rules) {
        let moment = Moment { now: self.wall.now_ms(), nonce, jitter: self.identity.jitter() };
        let mut memory = self.memory();
        let seen = Record::of(memory.own.as_ref());
        let Some(after) = row.write(&seen, rules, moment).apply(memory.own.as_ref()) else { return };
        memory.own = Some(after);
        let record = Record::of(memory.own.as_ref());
        drop(memory);
        self.noticed(&seen, &record);
    }
}
