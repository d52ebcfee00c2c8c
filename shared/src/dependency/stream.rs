//! Replies that come in pieces, guarded until their end: a model that writes for a minute is in flight for a minute.

use std::time::Duration;

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};

use super::{
    CallError, Classify, Dependency,
    attempt::{End, Held},
};
use crate::{breaker::Leave, deadline::Deadline, gate::Permit};

/// The pieces of a reply. The first error is the last item.
pub type Pieces<T, E> = BoxStream<'static, Result<T, CallError<E>>>;

/// What a reply that is still coming holds: its place in the bulkhead, and its word to the breaker.
pub(super) struct Flow {
    dependency: Dependency,
    permit: Option<Permit>,
    leave: Leave,
    /// To the first piece.
    took: Duration,
    until: Deadline,
}

impl Flow {
    pub(super) async fn of(dependency: &Dependency, held: Held<'_>, until: Deadline) -> Self {
        let Held { permit, admission, took } = held;
        let probe = admission.is_probe();
        let mut leave = admission.aside();
        if probe {
            let admission = dependency.0.breaker.resume(&mut leave);
            admission.settle(crate::breaker::Verdict::Success, took, until).await;
        }
        Self { dependency: dependency.clone(), permit: Some(permit), leave, took, until }
    }

    /// All pieces, and how they end.
    pub(super) fn carry<T, S, E>(self, first: Option<T>, rest: S) -> Pieces<T, E>
    where
        T: Send + 'static,
        S: Stream<Item = Result<T, E>> + Send + Unpin + 'static,
        E: Classify + Send + 'static,
    {
        let rest = stream::unfold(Some((self, rest.fuse())), async |state| {
            let (mut flow, mut pieces) = state?;
            match flow.next(&mut pieces).await? {
                Ok(piece) => Some((Ok(piece), Some((flow, pieces)))),
                Err(error) => Some((Err(error), None)),
            }
        });
        stream::iter(first.map(Ok)).chain(rest).fuse().boxed()
    }

    async fn next<T, E: Classify>(
        &mut self,
        pieces: &mut (impl Stream<Item = Result<T, E>> + Unpin),
    ) -> Option<Result<T, CallError<E>>> {
        let timeout = self.dependency.0.limits.load().timeout;
        let own = self.until.stage(timeout, Duration::ZERO);
        let full = own.remaining() >= timeout / 2;
        let end = match own.bound(self.dependency.name(), pieces.next()).await {
            Ok(Some(Ok(piece))) => return Some(Ok(piece)),
            Ok(Some(Err(fault))) => End::Fault(fault),
            Ok(None) => End::Answer(()),
            Err(_) if full => End::Late,
            Err(_) => End::Cut,
        };
        drop(self.permit.take());
        let admission = self.dependency.0.breaker.resume(&mut self.leave);
        self.dependency.conclude(end, admission, self.took, self.until).await.err().map(Err)
    }
}

impl Drop for Flow {
    /// Whoever read it has gone: that says nothing about the dependency.
    fn drop(&mut self) {
        drop(self.dependency.0.breaker.resume(&mut self.leave));
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::{
        breaker::State,
        dependency::{Effect, Verdict},
        policy::Policy,
    };

    #[derive(Clone, Copy, Debug, thiserror::Error)]
    #[error("{0:?}")]
    struct Ends(Verdict);

    impl Classify for Ends {
        fn verdict(&self) -> Verdict {
            self.0
        }
    }

    const LONG: Duration = Duration::from_secs(60);
    const FAULT: Result<u8, Ends> = Err(Ends(Verdict::Fault));

    /// A door without retries, and with the breaker of this process.
    fn door() -> Dependency {
        let mut policy = Policy::embedded().unwrap();
        let openai = policy.dependencies.overrides.get_mut("openai").unwrap();
        openai.limits.retry.attempts = 1;
        openai.limits.rate = None;
        Dependency::alone("openai", &policy)
    }

    /// Each piece a second after the one before.
    async fn call(door: &Dependency, pieces: &[Result<u8, Ends>]) -> Result<Pieces<u8, Ends>, CallError<Ends>> {
        let within = Deadline::within(LONG);
        let open = async |_| {
            let slowly = stream::iter(pieces.to_vec()).then(async |piece| {
                sleep(Duration::from_secs(1)).await;
                piece
            });
            Ok(slowly.boxed())
        };
        door.call_streaming(within, within, Effect::Idempotent, 0, open).await
    }

    fn in_use(door: &Dependency) -> usize {
        door.status().bulkhead.in_use
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_in_flight_to_its_end() {
        let door = door();
        let mut pieces = call(&door, &[Ok(1), Ok(2), Ok(3)]).await.unwrap();
        for piece in 1..=3 {
            assert_eq!((pieces.next().await.unwrap().unwrap(), in_use(&door), door.status().ok), (piece, 1, 0));
        }
        assert!(pieces.next().await.is_none());
        assert_eq!((in_use(&door), door.status().ok), (0, 1));
        assert!(pieces.next().await.is_none(), "the end stays the end");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_of_nothing_ends_well() {
        let door = door();
        assert!(call(&door, &[]).await.unwrap().next().await.is_none());
        assert_eq!((in_use(&door), door.status().ok), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_among_the_pieces_is_one_of_the_dependency() {
        let door = door();
        for failures in 1..=5 {
            let mut pieces = call(&door, &[Ok(1), FAULT, Ok(2)]).await.unwrap();
            assert!(pieces.next().await.unwrap().is_ok());
            assert!(matches!(pieces.next().await, Some(Err(CallError::Fault { .. }))));
            assert!(pieces.next().await.is_none(), "nothing comes behind a fault");
            assert_eq!((in_use(&door), door.status().fault), (0, failures));
        }
        assert_eq!(door.status().breaker.state, State::Open);
        assert!(matches!(call(&door, &[Ok(1)]).await, Err(CallError::Open { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_before_the_first_piece_is_one_of_the_call() {
        let door = door();
        assert!(matches!(call(&door, &[FAULT]).await, Err(CallError::Fault { .. })));
        assert_eq!((in_use(&door), door.status().breaker.failures), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clean_end_ends_a_run_of_failures() {
        let door = door();
        for pieces in [&[Ok(1), FAULT][..], &[Ok(1), Ok(2)]] {
            call(&door, pieces).await.unwrap().collect::<Vec<_>>().await;
        }
        assert_eq!(door.status().breaker.failures, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_between_two_pieces_is_a_timeout() {
        let door = door();
        let within = Deadline::within(LONG);
        let open = async |_| Ok(stream::iter([Ok::<_, Ends>(1)]).chain(stream::pending()).boxed());
        let mut pieces = door.call_streaming(within, within, Effect::Idempotent, 0, open).await.unwrap();
        assert!(pieces.next().await.unwrap().is_ok());
        assert!(matches!(pieces.next().await, Some(Err(CallError::Timeout { .. }))));
        assert_eq!((in_use(&door), door.status().breaker.failures), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_goes_away_says_nothing() {
        let door = door();
        call(&door, &[Ok(1), FAULT]).await.unwrap().collect::<Vec<_>>().await;
        for _ in 0..20 {
            let mut pieces = call(&door, &[Ok(1), Ok(2)]).await.unwrap();
            assert!(pieces.next().await.unwrap().is_ok());
            drop(pieces);
        }
        let status = door.status();
        assert_eq!((in_use(&door), status.ok, status.fault, status.breaker.failures), (0, 0, 1, 1));
    }
}
