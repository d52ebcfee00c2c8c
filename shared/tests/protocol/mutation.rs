//! Ways in which the protocol could have been got wrong; a model that does not catch them proves nothing.

use shared::{
    breaker::{row::Row, rules::Rules},
    control::{Test, Write},
};

/// One mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// The protocol as it is.
    None,
    /// Writes do not test the generation.
    WithoutFence,
    /// A trip is written whatever the item says by then.
    UnconditionalTrip,
    /// A slot is taken without looking whether it is free.
    UnconditionalSlot,
    /// A probe's success closes the breaker by itself.
    CloseAtFirstSuccess,
    /// A probe's success is noted for a slot that is no longer its own.
    SuccessWithoutToken,
    /// Probes run on when their permit has expired.
    WithoutProbeDeadline,
    /// The next round begins while probes of the last one may still be out.
    WithoutRoundGap,
    /// A round ends whoever has joined it meanwhile.
    ReopenBlindly,
    /// A failure is counted without looking at the nonce, so that a request that is sent twice counts twice.
    WithoutNonce,
    /// A run trips one failure early.
    TripEarly,
}

impl Mutation {
    /// All mistakes.
    pub const ALL: [Self; 10] = [
        Self::WithoutFence,
        Self::UnconditionalTrip,
        Self::UnconditionalSlot,
        Self::CloseAtFirstSuccess,
        Self::SuccessWithoutToken,
        Self::WithoutProbeDeadline,
        Self::WithoutRoundGap,
        Self::ReopenBlindly,
        Self::WithoutNonce,
        Self::TripEarly,
    ];

    /// What a row becomes.
    pub fn row(self, row: Row) -> Row {
        match (self, row) {
            (Self::CloseAtFirstSuccess, Row::Succeed(slot)) => Row::Close(slot),
            (Self::TripEarly, Row::Count | Row::Restart) => Row::Trip,
            (_, row) => row,
        }
    }

    /// What a write becomes.
    pub fn write(self, row: Row, mut write: Write) -> Write {
        let forget = |write: &mut Write, names: &[&str]| {
            write.when.retain(|any| !any.iter().any(|test| names.contains(&name(test))));
        };
        match (self, row) {
            (Self::WithoutFence, _) => forget(&mut write, &["gen"]),
            (Self::UnconditionalTrip, Row::Trip) => write.when.clear(),
            (Self::UnconditionalSlot, Row::Acquire(_)) => {
                forget(&mut write, &["t0", "t1", "x0", "x1", "k0", "k1"]);
            }
            (Self::CloseAtFirstSuccess, Row::Close(_)) => forget(&mut write, &["k0", "k1"]),
            (Self::SuccessWithoutToken, Row::Succeed(_) | Row::Close(_)) => {
                forget(&mut write, &["t0", "t1", "gen", "k0", "k1"]);
            }
            (Self::ReopenBlindly, Row::Reopen(0)) => forget(&mut write, &["t1"]),
            (Self::ReopenBlindly, Row::Reopen(_)) => forget(&mut write, &["t0"]),
            (Self::WithoutNonce, Row::Count | Row::Trip) => forget(&mut write, &["last"]),
            (Self::TripEarly, Row::Trip) => forget(&mut write, &["fails", "fail_exp"]),
            _ => {}
        }
        write
    }

    /// What the numbers become.
    pub fn rules(self, rules: Rules) -> Rules {
        match self {
            Self::WithoutRoundGap => Rules { recovery: 1, ..rules },
            _ => rules,
        }
    }
}

fn name(test: &Test) -> &'static str {
    match test {
        Test::Absent(name)
        | Test::Present(name)
        | Test::Equals(name, _)
        | Test::Differs(name, _)
        | Test::AtMost(name, _)
        | Test::Above(name, _) => name,
    }
}
