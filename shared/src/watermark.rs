//! Says once that the use of a limit comes near it, and once that it has gone down again.
//!
//! Between the two marks nothing is said, and after a warning there is no other one for a while: a limit of one is
//! full whenever it is used at all.

use std::time::Duration;

use tokio::time::Instant;

use crate::{clock, policy::Service};

/// From one warning about a limit to the next.
const QUIET: Duration = Duration::from_secs(60);
/// The marks are kept in these parts of one: comparisons stay in whole numbers.
const WHOLE: usize = 1_000;

/// From which share of a limit on to warn, and below which all is clear again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    warn: usize,
    clear: usize,
}

/// One limit, watched. Its owner tells it each change of use.
#[derive(Clone, Debug)]
pub struct Watermark {
    marks: Marks,
    near: bool,
    /// When the last warning was.
    warned: Option<Instant>,
}

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// Use has reached the warning mark.
    Near {
        /// What is in use.
        in_use: usize,
        /// Of how much.
        limit: usize,
    },
    /// Use has gone below the clearing mark.
    Below {
        /// What is in use.
        in_use: usize,
        /// Of how much.
        limit: usize,
    },
}

impl Marks {
    /// As shipped: for limits that no policy reaches.
    pub const SHIPPED: Self = Self { warn: 800, clear: 700 };

    /// The policy's.
    pub fn of(service: &Service) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "validated as shares")]
        let parts = |share: f64| (share * WHOLE as f64).round() as usize;
        Self { warn: parts(service.warn_ratio), clear: parts(service.clear_ratio) }
    }
}

impl Watermark {
    /// A limit of which nothing is in use.
    pub fn new(marks: Marks) -> Self {
        Self { marks, near: false, warned: None }
    }

    /// Takes on new marks.
    pub fn adopt(&mut self, marks: Marks) {
        self.marks = marks;
    }

    /// Looks at a use that may have changed. Reads the clock only where there is something to say.
    pub fn look(&mut self, in_use: usize, limit: usize) -> Option<Crossing> {
        let used = in_use.saturating_mul(WHOLE);
        if self.near && used < limit.saturating_mul(self.marks.clear) {
            self.near = false;
            return Some(Crossing::Below { in_use, limit });
        }
        let near = in_use > 0 && used >= limit.saturating_mul(self.marks.warn);
        if self.near || !near || self.is_quiet() {
            return None;
        }
        self.near = true;
        Some(Crossing::Near { in_use, limit })
    }

    fn is_quiet(&mut self) -> bool {
        let now = clock::now();
        let quiet = self.warned.is_some_and(|last| now.saturating_duration_since(last) < QUIET);
        if !quiet {
            self.warned = Some(now);
        }
        quiet
    }
}

impl Default for Watermark {
    fn default() -> Self {
        Self::new(Marks::SHIPPED)
    }
}

impl Crossing {
    /// Logs it; `what` names the limit, such as `bulkhead/openai`.
    pub fn tell(self, what: &str) {
        match self {
            Self::Near { in_use, limit } => tracing::warn!(what, in_use, limit, "near_limit"),
            Self::Below { in_use, limit } => tracing::info!(what, in_use, limit, "below_limit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::Policy;

    fn near(in_use: usize, limit: usize) -> Option<Crossing> {
        Some(Crossing::Near { in_use, limit })
    }

    fn below(in_use: usize, limit: usize) -> Option<Crossing> {
        Some(Crossing::Below { in_use, limit })
    }

    #[test]
    fn the_shipped_marks_are_the_shipped_policys() {
        assert_eq!(Marks::of(&Policy::embedded().unwrap().service), Marks::SHIPPED);
    }

    #[tokio::test(start_paused = true)]
    async fn speaks_once_on_the_way_up_and_once_on_the_way_down() {
        let mut watermark = Watermark::default();
        let said: Vec<_> = [7, 8, 9, 10, 9, 8, 7, 8, 7, 6, 5].map(|in_use| watermark.look(in_use, 10)).into();
        let mut expected = vec![None; 11];
        (expected[1], expected[9]) = (near(8, 10), below(6, 10));
        assert_eq!(said, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn full_is_near_for_the_smallest_limits() {
        for limit in [1, 2] {
            let mut watermark = Watermark::default();
            assert_eq!(watermark.look(limit - 1, limit), None);
            assert_eq!(watermark.look(limit, limit), near(limit, limit));
            assert_eq!(watermark.look(limit - 1, limit), below(limit - 1, limit));
        }
        assert_eq!(Watermark::default().look(0, 0), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_is_full_again_and_again_warns_now_and_then() {
        let mut watermark = Watermark::default();
        let mut warnings = 0;
        for _ in 0..1_000 {
            warnings += usize::from(watermark.look(1, 1).is_some());
            watermark.look(0, 1);
            tokio::time::advance(QUIET / 100).await;
        }
        assert_eq!(warnings, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_shrinks_comes_near_by_itself() {
        let mut watermark = Watermark::default();
        assert_eq!(watermark.look(4, 10), None);
        assert_eq!(watermark.look(4, 5), near(4, 5));
        assert_eq!(watermark.look(4, 10), below(4, 10));
    }

    proptest! {
        #[test]
        fn warnings_and_all_clears_alternate(uses in prop::collection::vec((0_usize..20, 1_usize..20), 0..200)) {
            let mut watermark = Watermark::default();
            let mut warned = false;
            for (in_use, limit) in uses {
                match watermark.look(in_use, limit) {
                    Some(Crossing::Near { .. }) => {
                        prop_assert!(!warned && in_use * 10 >= limit * 8);
                        warned = true;
                    }
                    Some(Crossing::Below { .. }) => {
                        prop_assert!(warned && in_use * 10 < limit * 7);
                        warned = false;
                    }
                    None => {}
                }
            }
        }
    }
}
