//! A limit that follows the latency, between a floor and the ceiling of the policy.
//!
//! What is in flight beyond a service's capacity only queues there, and shows as latency. So each window of samples
//! compares the latency with the long-run one: the limit is multiplied by their ratio, with some room to probe for
//! more. The method is Gradient2 of Netflix's concurrency-limits ("Performance Under Load", 2018) with its long-run
//! average in place of a minimum: one fast failure would make every later call look slow.

use std::time::Duration;

use tokio::time::Instant;

/// A window has at least so many samples ..
const SAMPLES: u32 = 10;
/// .. and lasts at least so long.
const WINDOW: Duration = Duration::from_millis(100);
/// The floor, as a share of the ceiling: a limit of 1 would learn too slowly that all is well again.
const FLOOR_SHARE: usize = 8;
/// Latency may be this much above the long-run one before it counts as queueing.
const TOLERANCE: f64 = 1.5;
/// One window lowers the limit by half at most, so that outliers cost little.
const STEEPEST: f64 = 0.5;
/// How far one window moves the limit towards its estimate.
const SMOOTHING: f64 = 0.2;
/// The weight of one window in the long-run latency: what lasts for some hundred windows is the new normal.
const LONG_RUN: f64 = 0.005;
/// A long-run latency of more than this multiple of the present one dates from an overload ..
const OUTDATED: f64 = 2.0;
/// .. and shrinks by this factor with each window.
const FORGET: f64 = 0.9;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct AdaptiveLimit {
    ceiling: usize,
    estimate: f64,
    /// In seconds; none before the first window.
    long_run: Option<f64>,
    window: Window,
}

/// Samples that are not judged yet.
#[derive(Clone, Debug, Default, PartialEq)]
struct Window {
    since: Option<Instant>,
    samples: u32,
    total: Duration,
    /// The most that were in flight when one ended.
    peak: usize,
}

impl AdaptiveLimit {
    /// Starts at the ceiling: nothing speaks against it yet.
    pub(super) fn new(ceiling: usize) -> Self {
        Self { ceiling, estimate: ceiling as f64, long_run: None, window: Window::default() }
    }

    /// The same under another ceiling.
    pub(super) fn within(self, ceiling: usize) -> Self {
        let estimate = Self { ceiling, ..self.clone() }.bounded(self.estimate);
        Self { ceiling, estimate, ..self }
    }

    pub(super) fn limit(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between floor and ceiling")]
        let limit = self.estimate as usize;
        limit.clamp(self.floor(), self.ceiling)
    }

    fn floor(&self) -> usize {
        self.ceiling.div_ceil(FLOOR_SHARE)
    }

    /// One permit came back after `held`; `in_use` with it.
    pub(super) fn sample(&mut self, now: Instant, held: Duration, in_use: usize) {
        let window = &mut self.window;
        let since = *window.since.get_or_insert(now);
        window.samples += 1;
        window.total += held;
        window.peak = window.peak.max(in_use);
        if window.samples >= SAMPLES && now.saturating_duration_since(since) >= WINDOW {
            let Window { samples, total, peak, .. } = std::mem::take(window);
            self.update((total / samples).as_secs_f64(), peak);
        }
    }

    fn update(&mut self, latency: f64, peak: usize) {
        let long_run = self.remember(latency);
        let gradient = if latency > 0.0 { TOLERANCE * long_run / latency } else { 1.0 };
        let gradient = gradient.clamp(STEEPEST, 1.0);
        // A limit that nobody reaches says nothing about itself: it must not grow on that.
        if gradient >= 1.0 && (peak as f64) < self.estimate / 2.0 {
            return;
        }
        let target = self.estimate * gradient + self.estimate.sqrt();
        self.estimate = self.bounded(self.estimate + SMOOTHING * (target - self.estimate));
    }

    fn remember(&mut self, latency: f64) -> f64 {
        let mut long_run = self.long_run.map_or(latency, |long_run| long_run + LONG_RUN * (latency - long_run));
        if long_run > OUTDATED * latency {
            long_run *= FORGET;
        }
        *self.long_run.insert(long_run)
    }

    fn bounded(&self, estimate: f64) -> f64 {
        estimate.clamp(self.floor() as f64, self.ceiling as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock;

    const CEILING: usize = 64;
    const USUAL: Duration = Duration::from_millis(20);

    /// A service that does `capacity` calls at once and lets the others wait: its latency under a load at the limit.
    fn run(limit: &mut AdaptiveLimit, now: &mut Instant, windows: usize, latency: impl Fn(usize) -> Duration) {
        for _ in 0..windows * SAMPLES as usize {
            *now += WINDOW / (SAMPLES - 1) + Duration::from_nanos(1);
            let in_use = limit.limit();
            limit.sample(*now, latency(in_use), in_use);
        }
    }

    fn queueing(capacity: usize) -> impl Fn(usize) -> Duration {
        move |in_use| USUAL.mul_f64((in_use as f64 / capacity as f64).max(1.0))
    }

    #[tokio::test(start_paused = true)]
    async fn stays_at_the_ceiling_while_latency_is_usual() {
        let (mut limit, mut now) = (AdaptiveLimit::new(CEILING), clock::now());
        run(&mut limit, &mut now, 100, |_| USUAL);
        assert_eq!(limit.limit(), CEILING);
    }

    #[tokio::test(start_paused = true)]
    async fn sinks_under_added_latency_and_recovers() {
        let (mut limit, mut now) = (AdaptiveLimit::new(CEILING), clock::now());
        run(&mut limit, &mut now, 20, |_| USUAL);
        run(&mut limit, &mut now, 30, |_| USUAL * 10);
        assert!(limit.limit() <= CEILING / 4, "{limit:?}");
        run(&mut limit, &mut now, 60, |_| USUAL);
        assert_eq!(limit.limit(), CEILING);
    }

    #[tokio::test(start_paused = true)]
    async fn finds_the_capacity_of_a_service_that_shrank() {
        let (mut limit, mut now) = (AdaptiveLimit::new(CEILING), clock::now());
        run(&mut limit, &mut now, 20, queueing(CEILING));
        run(&mut limit, &mut now, 20, queueing(8));
        assert!((8..=24).contains(&limit.limit()), "{limit:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn fast_failures_do_not_condemn_what_comes_after_them() {
        let (mut limit, mut now) = (AdaptiveLimit::new(CEILING), clock::now());
        run(&mut limit, &mut now, 20, |_| USUAL);
        run(&mut limit, &mut now, 50, |_| Duration::from_micros(100));
        run(&mut limit, &mut now, 400, |_| USUAL);
        assert_eq!(limit.limit(), CEILING);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_nobody_reaches_does_not_grow() {
        let (mut limit, mut now) = (AdaptiveLimit::new(CEILING), clock::now());
        run(&mut limit, &mut now, 20, |_| USUAL);
        run(&mut limit, &mut now, 30, |_| USUAL * 10);
        let sunk = limit.limit();
        for _ in 0..1_000 {
            now += WINDOW;
            limit.sample(now, USUAL, 1);
        }
        assert_eq!(limit.limit(), sunk);
    }

    proptest! {
        #[test]
        fn never_leaves_its_bounds(
            ceilings in prop::collection::vec(0_usize..200, 1..4),
            samples in prop::collection::vec((0_u64..500_000, 0_u64..10_000_000, 0_usize..300), 0..400),
        ) {
            let mut limit = AdaptiveLimit::new(ceilings[0]);
            let mut now = clock::now();
            for ceiling in ceilings {
                limit = limit.within(ceiling);
                for (pause, held, in_use) in &samples {
                    now += Duration::from_micros(*pause);
                    limit.sample(now, Duration::from_micros(*held), *in_use);
                    prop_assert!((ceiling.div_ceil(FLOOR_SHARE)..=ceiling).contains(&limit.limit()));
                }
            }
        }

        #[test]
        fn always_recovers(storm in prop::collection::vec(1_u32..100, 0..200), usual_ms in 1_u64..500) {
            let usual = Duration::from_millis(usual_ms);
            let (mut limit, mut now) = (AdaptiveLimit::new(CEILING), clock::now());
            run(&mut limit, &mut now, 10, |_| usual);
            for factor in storm {
                run(&mut limit, &mut now, 1, |_| usual * factor);
            }
            run(&mut limit, &mut now, 200, |_| usual);
            prop_assert_eq!(limit.limit(), CEILING);
        }
    }
}
