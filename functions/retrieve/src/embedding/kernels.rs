//! The element-wise parts of the forward pass, compiled for each vector width and chosen on the machine they run on.
//!
//! Plain loops: the compiler turns them into vector code because each is inlined into a function that `pulp` compiles
//! once for every instruction set.

use pulp::{Arch, Simd, WithSimd};

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

/// Runs one of them with the widest vectors that there are.
pub(super) fn run(arch: Arch, work: impl WithSimd<Output = ()>) {
    arch.dispatch(work);
}

impl WithSimd for Gelu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for row in self.values.chunks_exact_mut(self.bias.len()) {
            for (value, bias) in row.iter_mut().zip(self.bias) {
                *value = gelu::<S>(*value + bias);
            }
        }
    }
}

impl WithSimd for AddNormalize<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.bias.len();
        for (row, update) in self.states.chunks_exact_mut(width).zip(self.update.chunks_exact(width)) {
            for ((state, update), bias) in row.iter_mut().zip(update).zip(self.bias) {
                *state += update + bias;
            }
            normalize::<S>(row, self.norm);
        }
    }
}

/// `a * b + c`, in one instruction where vectors have one; without, a call would take its place.
#[inline(always)]
fn fused<S: Simd>(a: f32, b: f32, c: f32) -> f32 {
    if S::IS_SCALAR { a * b + c } else { a.mul_add(b, c) }
}

/// Mean 0 and variance 1, then the learnt scale and shift.
#[inline(always)]
fn normalize<S: Simd>(row: &mut [f32], norm: &Norm) {
    let inverse_width = 1.0 / row.len() as f32;
    let mean = fold(row, 0.0, |sum, value| sum + value) * inverse_width;
    row.iter_mut().for_each(|value| *value -= mean);
    let squares: f32 = lanes(row, 0.0, |sum, value| fused::<S>(value, value, sum)).into_iter().sum();
    let inverse = 1.0 / (squares * inverse_width + norm.epsilon).sqrt();
    for ((value, scale), shift) in row.iter_mut().zip(&norm.scale).zip(&norm.shift) {
        *value = fused::<S>(*value * inverse, *scale, *shift);
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
fn gelu<S: Simd>(x: f32) -> f32 {
    0.5 * x * (1.0 + erf::<S>(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Abramowitz and Stegun, 7.1.26: at most 1.5e-7 off.
#[inline(always)]
fn erf<S: Simd>(x: f32) -> f32 {
    let z = x.abs();
    let t = 1.0 / fused::<S>(0.327_591_1, z, 1.0);
    let series = t * polynomial::<S, _>(t, [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6]);
    fused::<S>(-series, exp::<S>(-z * z), 1.0).copysign(x)
}

/// `2^n * e^r` with `|r| <= ln 2 / 2`, where `e^r` is a polynomial (that of Cephes): relative error below 3e-7. No branch
/// and no call, or it would not become vector code.
#[inline(always)]
pub(super) fn exp<S: Simd>(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5 * 2^23: a sum with it has no digits behind the point, and n in its last bits
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = fused::<S>(x, std::f32::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let r = fused::<S>(-n, LN2_LOW, fused::<S>(-n, LN2_HIGH, x));
    let p = polynomial::<S, _>(r, [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1]);
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    fused::<S>(p * r, r, r + 1.0) * power
}

/// By Horner's rule, the highest power first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    coefficients.into_iter().reduce(|sum, next| fused::<S>(sum, x, next)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use pulp::Scalar;

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
            assert!((f64::from(exp::<Scalar>(x)) - exact).abs() <= 4e-7 * exact, "{x}");
        }
        assert!(exp::<Scalar>(-1e9) < 2e-38 && exp::<Scalar>(1e9).is_finite());
    }

    #[test]
    fn erf_and_gelu_are_near_the_series() {
        for step in -300..=300 {
            let x = step as f32 / 100.0;
            let exact = exact_erf(f64::from(x));
            assert!((f64::from(erf::<Scalar>(x)) - exact).abs() < 5e-7, "{x}");
        }
        let gelu = gelu::<Scalar>;
        assert!((gelu(1.0) - 0.841_345).abs() < 1e-6 && gelu(-20.0).abs() < 1e-6 && (gelu(20.0) - 20.0).abs() < 1e-5);
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
