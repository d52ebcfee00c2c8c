//! From findings to an action.

use shared::contract::sanitize::{Action, Direction};

/// From this risk on, a text is not used at all.
pub const BLOCK: f64 = 0.9;
/// From this risk on, it is used with care.
pub const FLAG: f64 = 0.5;

/// What the stages found, in brief.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Risk of an attack, 0 to 1.
    pub risk: f64,
    /// Whether anything was replaced or removed.
    pub redacted: bool,
    /// Whether a secret was among it.
    pub secret: bool,
}

/// What to do. Masking never becomes a block: a patient who writes a number is no attacker. A secret in an answer does,
/// since nobody asked for one. `human` is left to deployments that have reviewers; no rule here chooses it.
pub fn decide(direction: Direction, evidence: Evidence) -> Action {
    match evidence {
        Evidence { risk, .. } if risk >= BLOCK => Action::Block,
        Evidence { secret: true, .. } if direction == Direction::Output => Action::Block,
        Evidence { risk, .. } if risk >= FLAG => Action::Flag,
        Evidence { redacted: true, .. } => Action::Redact,
        _ => Action::Allow,
    }
}

/// Independent weights added up: 1 - (1 - a)(1 - b)...
pub fn combine(weights: impl IntoIterator<Item = f64>) -> f64 {
    1.0 - weights.into_iter().map(|weight| 1.0 - weight.clamp(0.0, 1.0)).product::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masking_is_never_a_block() {
        let masked = Evidence { risk: 0.1, redacted: true, secret: true };
        assert_eq!(decide(Direction::Input, masked), Action::Redact);
        assert_eq!(decide(Direction::Output, masked), Action::Block);
    }

    #[test]
    fn weights_add_up_below_one() {
        assert!((combine([0.5, 0.5]) - 0.75).abs() < 1e-9);
        assert!(combine([]).abs() < 1e-9);
    }
}
