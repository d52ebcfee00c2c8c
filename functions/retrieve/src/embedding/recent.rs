//! Questions of a moment ago, and those that are being embedded: equal ones are computed once.
//!
//! Keys are digests, so that no question rests here. Bounded by entries and age. A failure is nobody's but the one's who
//! met it: it may only have had too little time, and those who waited for it compute for themselves.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use moka::future::Cache;
use sha2::{Digest, Sha256};
use shared::deadline::Deadline;

use super::EmbeddingError;

type Key = [u8; 32];

/// Embeddings by question.
#[derive(Debug)]
pub(super) struct Recent {
    kept: Cache<Key, Vec<f32>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Recent {
    pub(super) fn new(entries: u64, age: Duration) -> Self {
        let kept = Cache::builder().max_capacity(entries).time_to_live(age).build();
        Self { kept, hits: AtomicU64::default(), misses: AtomicU64::default() }
    }

    /// The embedding of `text`: known, brought by an equal question, or computed by `embed`.
    pub(super) async fn find<F>(
        &self,
        deadline: Deadline,
        text: &str,
        embed: impl Fn() -> F,
    ) -> Result<Vec<f32>, EmbeddingError>
    where
        F: Future<Output = Result<Vec<f32>, EmbeddingError>>,
    {
        let key: Key = Sha256::digest(text).into();
        let led = AtomicBool::new(false);
        let lead = async {
            led.store(true, Ordering::Relaxed);
            self.misses.fetch_add(1, Ordering::Relaxed);
            embed().await
        };
        let found = deadline.bound("an equal question", self.kept.try_get_with(key, lead)).await?;
        let led = led.into_inner();
        match found {
            Ok(vector) => {
                self.hits.fetch_add(u64::from(!led), Ordering::Relaxed);
                Ok(vector)
            }
            Err(error) if led => Err(*error),
            Err(_) => embed().await,
        }
    }

    /// Questions that were answered without computing, and that were computed, since the start.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join;
    use shared::deadline::Elapsed;

    use super::*;

    const LATE: EmbeddingError = EmbeddingError::Late(Elapsed("a computation"));

    fn later() -> Deadline {
        Deadline::within(Duration::from_secs(60))
    }

    fn recent() -> Recent {
        Recent::new(8, Duration::from_secs(60))
    }

    #[tokio::test]
    async fn equal_questions_are_computed_once() {
        let (recent, computed) = (recent(), AtomicUsize::new(0));
        let embed = || async {
            computed.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(vec![1.0])
        };
        let both = join(recent.find(later(), "copay", embed), recent.find(later(), "copay", embed)).await;
        assert_eq!(both, (Ok(vec![1.0]), Ok(vec![1.0])));
        assert_eq!(recent.find(later(), "copay", embed).await, Ok(vec![1.0]));
        assert_eq!((computed.into_inner(), recent.counts()), (1, (2, 1)));
    }

    #[tokio::test]
    async fn who_waited_for_a_failure_tries_alone() {
        let (recent, calls) = (recent(), AtomicUsize::new(0));
        let embed = || async {
            let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
            tokio::task::yield_now().await;
            if first { Err(LATE) } else { Ok(vec![2.0]) }
        };
        let both = join(recent.find(later(), "copay", embed), recent.find(later(), "copay", embed)).await;
        assert_eq!(both, (Err(LATE), Ok(vec![2.0])));
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let recent = recent();
        assert_eq!(recent.find(later(), "copay", || async { Err(LATE) }).await, Err(LATE));
        assert_eq!(recent.find(later(), "copay", || async { Ok(vec![3.0]) }).await, Ok(vec![3.0]));
    }
}
