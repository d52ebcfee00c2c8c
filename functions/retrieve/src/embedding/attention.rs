//! Attention: of each token's values as much as its key answers a query.

use pulp::{
    Simd, WithSimd,
    bytemuck::{cast_slice, cast_slice_mut},
};

use super::kernels::exp;

/// Keys that are compared together: what is read of the queries is read once for all.
const KEYS: usize = 4;
/// Values that are summed up together, by which the width of a head can be divided.
const VALUES: usize = 8;

/// The attention of one text's tokens to each other, head by head; every matrix has a row of `width` for each token.
///
/// As many queries as a vector has lanes are answered side by side. In loops of our own: with ten tokens, what a library for
/// matrices does around its products takes longer than all of this.
pub(super) struct Attention<'a> {
    pub(super) queries: &'a [f32],
    pub(super) keys: &'a [f32],
    pub(super) values: &'a [f32],
    pub(super) to: &'a mut [f32],
    pub(super) width: usize,
    pub(super) heads: usize,
}

impl Attention<'_> {
    /// Whether a matrix of this width can be cut into so many heads.
    pub(super) fn fits(width: usize, heads: usize) -> bool {
        heads > 0 && width.is_multiple_of(heads) && (width / heads).is_multiple_of(VALUES)
    }
}

/// One head's keys and values, row by row, and what is computed with them; of each query in a lane of its own. They are copied: in
/// rows of the whole width, those of one head would share a few places of the cache. The last keys may be zeros, which nobody reads.
struct Head<S: Simd> {
    simd: S,
    keys: Vec<f32>,
    values: Vec<f32>,
    queries: Vec<S::f32s>,
    weights: Vec<S::f32s>,
    mixed: Vec<S::f32s>,
}

impl WithSimd for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { queries, keys, values, to, width, heads } = self;
        let mut head = Head::new(simd, queries.len() / width, width / heads);
        for first in (0..width).step_by(width / heads) {
            let part = first..first + width / heads;
            let [keys, values] = [keys, values].map(|rows| rows.chunks_exact(width).map(|row| &row[part.clone()]));
            head.turn_to(keys, values);
            let together = S::F32_LANES * width;
            for (queries, to) in queries.chunks(together).zip(to.chunks_mut(together)) {
                head.ask(queries.chunks_exact(width).map(|row| &row[part.clone()]));
                head.answer(to.chunks_exact_mut(width).map(|row| &mut row[part.clone()]));
            }
        }
    }
}

impl<S: Simd> Head<S> {
    #[inline(always)]
    fn new(simd: S, tokens: usize, width: usize) -> Self {
        let of_queries = |rows| vec![simd.splat_f32s(0.0); rows];
        Self {
            simd,
            keys: vec![0.0; tokens.next_multiple_of(KEYS) * width],
            values: vec![0.0; tokens * width],
            queries: of_queries(width),
            weights: of_queries(tokens),
            mixed: of_queries(width),
        }
    }

    #[inline(always)]
    fn turn_to<'a>(&mut self, keys: impl Iterator<Item = &'a [f32]>, values: impl Iterator<Item = &'a [f32]>) {
        let width = self.queries.len();
        self.keys.chunks_exact_mut(width).zip(keys).for_each(|(to, key)| to.copy_from_slice(key));
        self.values.chunks_exact_mut(width).zip(values).for_each(|(to, value)| to.copy_from_slice(value));
    }

    #[inline(always)]
    fn ask<'a>(&mut self, queries: impl Iterator<Item = &'a [f32]>) {
        let scale = 1.0 / (self.queries.len() as f32).sqrt();
        let lanes = cast_slice_mut::<_, f32>(&mut self.queries);
        for (lane, query) in queries.enumerate() {
            for (to, query) in lanes.chunks_exact_mut(S::F32_LANES).zip(query) {
                to[lane] = query * scale;
            }
        }
    }

    #[inline(always)]
    fn answer<'a>(&mut self, to: impl Iterator<Item = &'a mut [f32]>) {
        let width = self.queries.len();
        for (weights, keys) in self.weights.chunks_mut(KEYS).zip(self.keys.chunks_exact(KEYS * width)) {
            weights.copy_from_slice(&products(self.simd, &self.queries, keys)[..weights.len()]);
        }
        let sums = powers(self.simd, &mut self.weights);
        for (part, mixed) in self.mixed.as_chunks_mut().0.iter_mut().enumerate() {
            *mixed = mix(self.simd, &self.weights, self.values[part * VALUES..].chunks(width));
        }
        let mixed = cast_slice::<_, f32>(&self.mixed);
        for ((lane, to), sum) in to.enumerate().zip(cast_slice::<_, f32>(&[sums])) {
            let inverse = 1.0 / sum;
            for (to, mixed) in to.iter_mut().zip(mixed.chunks_exact(S::F32_LANES)) {
                *to = mixed[lane] * inverse;
            }
        }
    }
}

/// The products of queries with some keys.
#[inline(always)]
fn products<S: Simd>(simd: S, queries: &[S::f32s], keys: &[f32]) -> [S::f32s; KEYS] {
    let mut sums = [simd.splat_f32s(0.0); KEYS];
    let keys: [&[f32]; KEYS] = std::array::from_fn(|row| &keys[row * queries.len()..][..queries.len()]);
    for (at, query) in queries.iter().enumerate() {
        for (sum, key) in sums.iter_mut().zip(keys) {
            *sum = simd.mul_add_e_f32s(simd.splat_f32s(key[at]), *query, *sum);
        }
    }
    sums
}

/// e to the power of each weight, but for a factor that all of a query have, and their sums.
#[inline(always)]
fn powers<S: Simd>(simd: S, weights: &mut [S::f32s]) -> S::f32s {
    let largest = weights.iter().fold(simd.splat_f32s(f32::NEG_INFINITY), |a, b| simd.max_f32s(a, *b));
    weights.iter_mut().for_each(|weight| *weight = simd.sub_f32s(*weight, largest));
    cast_slice_mut(weights).iter_mut().for_each(|weight| *weight = exp::<S>(*weight));
    weights.iter().fold(simd.splat_f32s(0.0), |a, b| simd.add_f32s(a, *b))
}

/// The weighted sums of the first [`VALUES`] of each row, for each query.
#[inline(always)]
fn mix<'a, S: Simd>(simd: S, weights: &[S::f32s], rows: impl Iterator<Item = &'a [f32]>) -> [S::f32s; VALUES] {
    let mut sums = [simd.splat_f32s(0.0); VALUES];
    for (weight, values) in weights.iter().zip(rows) {
        for (sum, value) in sums.iter_mut().zip(&values[..VALUES]) {
            *sum = simd.mul_add_e_f32s(simd.splat_f32s(*value), *weight, *sum);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use pulp::Arch;

    use super::*;
    use crate::embedding::kernels::run;

    /// By the formula, in double precision.
    fn exact([queries, keys, values]: [&[f32]; 3], (width, head): (usize, usize), token: usize, at: usize) -> f64 {
        let part = at / head * head..at / head * head + head;
        let row = |matrix: &'_ [f32], token: usize| matrix[token * width..][part.clone()].to_vec();
        let product = |key: usize| -> f64 {
            let pairs = row(queries, token).into_iter().zip(row(keys, key));
            pairs.map(|(a, b)| f64::from(a) * f64::from(b)).sum::<f64>() / (head as f64).sqrt()
        };
        let powers: Vec<f64> = (0..keys.len() / width).map(|key| product(key).exp()).collect();
        let mixed = powers.iter().enumerate().map(|(key, power)| power * f64::from(values[key * width + at]));
        mixed.sum::<f64>() / powers.iter().sum::<f64>()
    }

    #[test]
    fn answers_are_those_of_the_formula_for_every_number_of_tokens() {
        let (seed, width, heads) = (fastrand::u64(..), 48, 3);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for tokens in [1, 2, 3, 4, 5, 15, 16, 17, 33] {
            let mut matrix = || -> Vec<f32> { (0..tokens * width).map(|_| 4.0 * random.f32() - 2.0).collect() };
            let (queries, keys, values) = (matrix(), matrix(), matrix());
            for arch in [Arch::Scalar, Arch::new()] {
                let mut to = vec![7.0; tokens * width];
                let (queries, keys, values) = (&queries[..], &keys[..], &values[..]);
                run(arch, Attention { queries, keys, values, to: &mut to, width, heads });
                for (at, value) in to.iter().enumerate() {
                    let exact = exact([queries, keys, values], (width, width / heads), at / width, at % width);
                    assert!(
                        (f64::from(*value) - exact).abs() < 1e-5,
                        "{arch:?}, {tokens} tokens, {at}: {value} for {exact}"
                    );
                }
            }
        }
    }
}
