//! What a detector found in a view, and how overlapping finds become one.

use std::ops::Range;

use super::kind::Kind;

/// A value that one rule saw, as a byte range of the view.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hit {
    /// What it is.
    pub(super) kind: Kind,
    /// Where it is in the view.
    pub(super) range: Range<usize>,
    /// How sure the rule is, 0 to 1.
    pub(super) score: f32,
    /// Stable name of the rule.
    pub(super) rule: &'static str,
}

/// Leaves disjoint hits in the order of the text. Where hits overlap, the surer one (then the longer one) names the
/// kind, and the range becomes the union: a number is never left half masked.
pub(super) fn resolve(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|hit| (hit.range.start, hit.range.end));
    let mut resolved: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        match resolved.last_mut() {
            Some(last) if hit.range.start < last.range.end => absorb(last, hit),
            _ => resolved.push(hit),
        }
    }
    resolved
}

fn absorb(into: &mut Hit, other: Hit) {
    let union = into.range.start..into.range.end.max(other.range.end);
    let surer = (other.score, other.range.len()) > (into.score, into.range.len());
    if surer {
        *into = other;
    }
    into.range = union;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(kind: Kind, range: Range<usize>, score: f32) -> Hit {
        Hit { kind, range, score, rule: "test" }
    }

    #[test]
    fn the_surer_hit_names_the_union() {
        let resolved =
            resolve(vec![hit(Kind::Account, 4..12, 0.6), hit(Kind::Ssn, 0..9, 0.9), hit(Kind::Ip, 20..25, 0.5)]);
        let kinds: Vec<_> = resolved.iter().map(|hit| (hit.kind, hit.range.clone())).collect();
        assert_eq!(kinds, [(Kind::Ssn, 0..12), (Kind::Ip, 20..25)]);
    }
}
