//! The element-wise parts of the forward pass, compiled for each vector width and chosen on the machine they run on.
//!
//! Plain loops: the compiler turns them into vector code because each is inlined into a function that `pulp` compiles
//! once for every instruction set.

use pulp::{Arch, NullaryFnOnce};

/// Strands of a sum: a single one would wait for each addition before the next.
const LANES: usize = 16;

/// The learnt scale and shift of a layer normalization.
#[derive(Debug)]
pub(super) struct Norm {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
    pub(super) epsilon: f32,
}

/// GELU in its exact form, `x / 2 * (1 + erf(x / sqrt 2))`, of `values + bias`; a row is as long as `bias`.
pub(super) struct Gelu<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) bias: &'a [f32],
}

/// `states + update + bias`, normalized row by row.
pub(super) struct AddNormalize<'a> {
    pub(super) states: &'a mut [f32],
    pub(super) update: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) norm: &'a Norm,
}

/// The softmax of `values * scale`, row by row of `width`.
pub(super) struct Softmax<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) width: usize,
    pub(super) scale: f32,
}

/// Runs one of them with the widest vectors that there are.
pub(super) fn run(arch: Arch, work: impl NullaryFnOnce<Output = ()>) {
    arch.dispatch(work);
}

impl NullaryFnOnce for Gelu<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for row in self.values.chunks_exact_mut(self.bias.len()) {
            for (value, bias) in row.iter_mut().zip(self.bias) {
                *value = gelu(*value + bias);
            }
        }
    }
}

impl NullaryFnOnce for AddNormalize<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.bias.len();
        for (row, update) in self.states.chunks_exact_mut(width).zip(self.update.chunks_exact(width)) {
            for ((state, update), bias) in row.iter_mut().zip(update).zip(self.bias) {
                *state += update + bias;
            }
            normalize(row, self.norm);
        }
    }
}

impl NullaryFnOnce for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for row in self.values.chunks_exact_mut(self.width) {
            let largest = fold(row, f32::NEG_INFINITY, |a, b| if a > b { a } else { b });
            row.iter_mut().for_each(|value| *value = exp((*value - largest) * self.scale));
            let inverse = 1.0 / fold(row, 0.0, |sum, value| sum + value);
            row.iter_mut().for_each(|value| *value *= inverse);
        }
    }
}

/// Mean 0 and variance 1, then the learnt scale and shift.
#[inline(always)]
fn normalize(row: &mut [f32], norm: &Norm) {
    let inverse_width = 1.0 / row.len() as f32;
    let mean = fold(row, 0.0, |sum, value| sum + value) * inverse_width;
    row.iter_mut().for_each(|value| *value -= mean);
    let squares: f32 = lanes(row, 0.0, |sum, value| sum + value * value).into_iter().sum();
    let inverse = 1.0 / (squares * inverse_width + norm.epsilon).sqrt();
    for ((value, scale), shift) in row.iter_mut().zip(&norm.scale).zip(&norm.shift) {
        *value = *value * inverse * scale + shift;
    }
}

#[inline(always)]
fn fold(row: &[f32], start: f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    lanes(row, start, &join).into_iter().fold(start, join)
}

#[inline(always)]
fn lanes(row: &[f32], start: f32, join: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    let mut lanes = [start; LANES];
    let (full, rest) = row.as_chunks::<LANES>();
    for chunk in full {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = join(*lane, *value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = join(*lane, *value);
    }
    lanes
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Abramowitz and Stegun, 7.1.26: at most 1.5e-7 off.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let z = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let series = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_7) * t - 0.284_496_74) * t + 0.254_829_6) * t;
    (1.0 - series * exp(-z * z)).copysign(x)
}

/// `2^n * e^r` with `|r| <= ln 2 / 2`, where `e^r` is a polynomial (that of Cephes): relative error below 3e-7. No branch
/// and no call, or it would not become vector code.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5 * 2^23: a sum with it has no digits behind the point, and n in its last bits
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 5e-1;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    (p * r * r + r + 1.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error function by its series, in double precision.
    fn exact_erf(x: f64) -> f64 {
        let terms = (0..60).scan(x, |term, n| {
            let n = f64::from(n);
            let this = *term / (2.0 * n + 1.0);
            *term *= -x * x / (n + 1.0);
            Some(this)
        });
        terms.sum::<f64>() * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn exp_is_exact_to_seven_digits_and_bounded_outside() {
        for step in -8_700..=8_800 {
            let x = step as f32 / 100.0;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) - exact).abs() <= 4e-7 * exact, "{x}");
        }
        assert!(exp(-1e9) < 2e-38 && exp(1e9).is_finite());
    }

    #[test]
    fn erf_and_gelu_are_near_the_series() {
        for step in -300..=300 {
            let x = step as f32 / 100.0;
            let exact = exact_erf(f64::from(x));
            assert!((f64::from(erf(x)) - exact).abs() < 5e-7, "{x}");
        }
        assert!((gelu(1.0) - 0.841_345).abs() < 1e-6 && gelu(-20.0).abs() < 1e-6 && (gelu(20.0) - 20.0).abs() < 1e-5);
    }

    #[test]
    fn a_softmax_sums_to_one_for_every_width() {
        for width in [1, 2, 15, 16, 17, 256] {
            let mut values: Vec<f32> = (0..2 * width).map(|n| (n % 7) as f32).collect();
            run(Arch::new(), Softmax { values: &mut values, width, scale: 0.5 });
            for row in values.chunks(width) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{width}");
            }
        }
    }

    #[test]
    fn a_normalized_row_has_mean_zero_and_variance_one() {
        let (scale, shift) = (vec![1.0; 40], vec![0.0; 40]);
        let norm = Norm { scale, shift, epsilon: 1e-12 };
        let mut states: Vec<f32> = (0..80).map(|n| n as f32).collect();
        run(Arch::new(), AddNormalize { states: &mut states, update: &[1.0; 80], bias: &[2.0; 40], norm: &norm });
        for row in states.chunks(40) {
            let (mean, squares) = (row.iter().sum::<f32>() / 40.0, row.iter().map(|x| x * x).sum::<f32>() / 40.0);
            assert!(mean.abs() < 1e-5 && (squares - 1.0).abs() < 1e-4, "{mean} {squares}");
        }
    }
}
