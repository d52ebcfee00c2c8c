//! Leave to call, and leave that is set aside for calls that outlive their caller's borrow of the breaker, such as streams.

use tokio::time::Instant;

use super::{Breaker, decide::Pass, record::Record};
use crate::clock;

/// Leave to call. Dropped without a verdict it says nothing, and gives a slot of this environment back at once; the
/// fleet's expires.
#[derive(Debug)]
pub struct Admission<'a> {
    pub(super) breaker: &'a Breaker,
    pub(super) pass: Option<Pass>,
    pub(super) place: Place,
    pub(super) began: Instant,
    /// A probe must have ended by then, on the wall clock too: a monotonic one stands still in a frozen environment.
    pub probe_until: Option<i64>,
}

/// Whose item admitted a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Fleet,
    Own,
}

/// What an [`Admission`] is, apart from its breaker: for those who own the breaker, and settle later.
#[derive(Debug)]
pub struct Leave {
    pass: Option<Pass>,
    place: Place,
    began: Instant,
}

impl Admission<'_> {
    /// Whether the call tries a breaker that is half open.
    pub fn is_probe(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| pass.slot.is_some())
    }

    /// Sets it aside; [`Breaker::resume`] takes it up again.
    pub fn aside(mut self) -> Leave {
        Leave { pass: self.pass.take(), place: self.place, began: self.began }
    }
}

impl Breaker {
    /// Takes up an admission that was set aside; what is left of it says nothing any more.
    pub fn resume(&self, leave: &mut Leave) -> Admission<'_> {
        let Leave { ref mut pass, place, began } = *leave;
        Admission { breaker: self, pass: pass.take(), place, began, probe_until: None }
    }

    pub(super) fn pass(
        &self,
        on: Option<(&Record, Option<usize>, String)>,
        place: Place,
        until: Option<i64>,
    ) -> Admission<'_> {
        let pass = on.map(|(seen, slot, nonce)| Pass { generation: seen.generation, slot, nonce });
        Admission { breaker: self, pass, place, began: clock::now(), probe_until: until }
    }
}
