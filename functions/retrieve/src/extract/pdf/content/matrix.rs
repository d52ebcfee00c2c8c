//! Where things stand: the six numbers of ISO 32000-1, 8.3.4.

use lopdf::Object;

use super::{Piece, number};

/// `[a b c d e f]`: x' = ax + cy + e, y' = bx + dy + f.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix([f32; 6]);

impl Matrix {
    pub(super) const ONE: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    pub(super) fn of(numbers: &[Object]) -> Self {
        Self(std::array::from_fn(|at| number(numbers, at)))
    }

    pub(super) fn shift(x: f32, y: f32) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// First this, then `other`.
    pub(super) fn then(&self, other: &Self) -> Self {
        let ([a, b, c, d, e, f], [m, n, o, p, q, r]) = (self.0, other.0);
        Self([a * m + b * o, a * n + b * p, c * m + d * o, c * n + d * p, e * m + f * o + q, e * n + f * p + r])
    }

    /// A text from here to `end`, seen in its own direction. None where the place cannot be told.
    pub(super) fn piece(&self, text: String, end: &Self, size: f32) -> Option<Piece> {
        let [a, b, c, d, x, y] = self.0;
        let turn: u8 = match (a.abs() >= b.abs(), a >= 0.0, b >= 0.0) {
            (true, true, _) => 0,
            (false, _, true) => 1,
            (true, false, _) => 2,
            (false, _, false) => 3,
        };
        let seen = |x: f32, y: f32| match turn {
            0 => (x, y),
            1 => (y, -x),
            2 => (-x, -y),
            _ => (-y, x),
        };
        let ((start, height), (end, _)) = (seen(x, y), seen(end.0[4], end.0[5]));
        let size = (size * c.hypot(d)).abs();
        let known = [start, end, height, size].iter().all(|number| number.is_finite());
        (known && !text.is_empty()).then_some(Piece { text, start, end, height, size, turn })
    }
}
