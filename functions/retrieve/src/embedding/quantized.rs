//! Weights and states as whole numbers of few digits. More of them fit into a cache and into an instruction than of 32 bits,
//! where the processor multiplies such and sums up (VNNI); where it does not, there are none.
//!
//! Each output has its own scale, and so has each token's row of states: `state * weight` is a product of whole numbers times
//! both.

#[cfg(target_arch = "x86_64")]
mod vnni;
#[cfg(not(target_arch = "x86_64"))]
#[path = "quantized/none.rs"]
mod vnni;

use pulp::bytemuck::{Zeroable, cast_slice, cast_slice_mut};

use vnni::Register;
pub(super) use vnni::{Packed, Vnni};

use super::model::DIMENSION;

/// Words in a register.
const LANES: usize = 16;
/// Registers of outputs that are computed together: few, so that the sums of many tokens fit beside them.
const REGISTERS: usize = 2;

/// The largest number of eight bits.
const EIGHT: i16 = 127;
/// The largest of twelve. As many products as a row has are not too large for a sum of 32 bits.
const TWELVE: i16 = 2047;
const _: () = assert!(DIMENSION as u64 * (TWELVE as u64).pow(2) < 1 << 31);

/// How fine the numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    /// Eight bits, four numbers to a word: they add some hundredths to the angle of a vector.
    Eight,
    /// Twelve bits, in 16, two to a word: vectors are those of the trained weights to four digits.
    Twelve,
}

/// `width` x `width` weights.
#[derive(Debug)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only the product reads them"))]
pub(super) struct Quantized {
    /// Blocks of outputs; of each, the inputs a word at a time; of each, a word of weights for every output.
    words: Vec<Register>,
    /// Of each output.
    scales: Vec<f32>,
    /// What shifted states add to the sums of each output.
    excess: Vec<i32>,
}

impl Digits {
    /// How many numbers are in a word.
    const fn per_word(self) -> usize {
        match self {
            Self::Eight => 4,
            Self::Twelve => 2,
        }
    }

    /// What is added to states: the instruction for bytes wants them without a sign.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only the product packs states"))]
    const fn shift(self) -> i16 {
        match self {
            Self::Eight => 128,
            Self::Twelve => 0,
        }
    }

    /// What that adds to the sums of an output with these weights.
    fn excess(self, weights: &[i32]) -> i32 {
        match self {
            Self::Eight => cast_slice::<_, i8>(weights).iter().map(|weight| 128 * i32::from(*weight)).sum(),
            Self::Twelve => 0,
        }
    }

    /// `values` in units of the scale that it returns, plus `shift`.
    #[inline(always)]
    fn pack(self, values: &[f32], shift: i16, words: &mut [i32]) -> f32 {
        match self {
            Self::Eight => pack(values, EIGHT, shift, cast_slice_mut(words), |[low, ..]| low),
            Self::Twelve => pack(values, TWELVE, shift, cast_slice_mut(words), |[low, high, ..]| [low, high]),
        }
    }
}

impl Quantized {
    /// From rows of weights, one for each output.
    pub(super) fn of<'a>(digits: Digits, outputs: impl ExactSizeIterator<Item = &'a [f32]>) -> Self {
        let width = outputs.len();
        let length = width / digits.per_word();
        let mut words = vec![Register::zeroed(); width / LANES * length];
        let (mut scales, mut excess) = (Vec::with_capacity(width), Vec::with_capacity(width));
        let mut row = vec![0; length];
        for (number, weights) in outputs.enumerate() {
            scales.push(digits.pack(weights, 0, &mut row));
            excess.push(digits.excess(&row));
            let (register, lane) = (number / LANES, number % LANES);
            let block = &mut words[register / REGISTERS * REGISTERS * length..];
            let steps = cast_slice_mut::<_, [i32; LANES]>(block).chunks_exact_mut(REGISTERS);
            steps.zip(&row).for_each(|(step, word)| step[register % REGISTERS][lane] = *word);
        }
        Self { words, scales, excess }
    }

    /// How many outputs there are, and inputs.
    pub(super) fn width(&self) -> usize {
        self.scales.len()
    }

    /// Whether a matrix of this width can be cut so.
    pub(super) fn fits(width: usize) -> bool {
        width.is_multiple_of(REGISTERS * LANES)
    }
}

/// `values` in units of the scale that it returns, so that the largest is `limit`, plus `shift`; the low bytes of each.
#[inline(always)]
fn pack<T>(values: &[f32], limit: i16, shift: i16, numbers: &mut [T], low: impl Fn([u8; 4]) -> T) -> f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 * 2^23: a sum with it has no digits behind the point, and ends with the whole number
    let mut largest = [f32::MIN_POSITIVE; LANES];
    for values in values.as_chunks::<LANES>().0 {
        for (largest, value) in largest.iter_mut().zip(values) {
            *largest = if value.abs() > *largest { value.abs() } else { *largest };
        }
    }
    let scale = largest.into_iter().fold(f32::MIN_POSITIVE, f32::max) / f32::from(limit);
    let inverse = 1.0 / scale;
    for (number, value) in numbers.iter_mut().zip(values) {
        *number = low((value * inverse + (MAGIC + f32::from(shift))).to_bits().to_le_bytes());
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest errors that rounding leaves, of numbers below 1/2.
    const ERRORS: [(Digits, f32); 2] = [(Digits::Eight, 0.05), (Digits::Twelve, 0.003)];

    #[test]
    fn products_are_those_of_the_formula_but_for_rounding() {
        let (seed, width) = (fastrand::u64(..), 128);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let mut matrix = |rows: usize| -> Vec<f32> { (0..rows * width).map(|_| random.f32() - 0.5).collect() };
        for (digits, largest) in ERRORS {
            let Some(vnni) = Vnni::detected(digits) else { return println!("no VNNI here: nothing to compare") };
            let weights = matrix(width);
            let quantized = Quantized::of(digits, weights.chunks_exact(width));
            for tokens in 1..=30 {
                let states = matrix(tokens);
                let packed = vnni.pack(&states, width);
                let mut once = vec![7.0; tokens * width];
                vnni.product(&mut once, false, &packed, &quantized);
                let mut twice = once.clone();
                vnni.product(&mut twice, true, &packed, &quantized);
                for (at, value) in once.iter().enumerate() {
                    let (state, weight) = (&states[at / width * width..], &weights[at % width * width..][..width]);
                    let exact: f32 = state.iter().zip(weight).map(|(a, b)| a * b).sum();
                    assert!((value - exact).abs() < largest, "{digits:?}, {tokens} tokens, {at}: {value} for {exact}");
                    assert!((twice[at] - 2.0 * value).abs() < 1e-4, "{tokens} tokens, {at}: added to what was there");
                }
            }
        }
    }

    #[test]
    fn the_largest_sums_have_room() {
        for (digits, _) in ERRORS {
            let Some(vnni) = Vnni::detected(digits) else { return println!("no VNNI here: nothing to compare") };
            for (state, weight) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                let weights = vec![weight; DIMENSION * DIMENSION];
                let quantized = Quantized::of(digits, weights.chunks_exact(DIMENSION));
                let mut sums = vec![0.0; DIMENSION];
                vnni.product(&mut sums, false, &vnni.pack(&[state; DIMENSION], DIMENSION), &quantized);
                let exact = DIMENSION as f32 * state * weight;
                assert!(sums.iter().all(|sum| (sum - exact).abs() < 0.1), "{digits:?}: {} for {exact}", sums[0]);
            }
        }
    }

    #[test]
    fn rows_of_zeros_stay_zeros() {
        for (digits, _) in ERRORS {
            let Some(vnni) = Vnni::detected(digits) else { return println!("no VNNI here: nothing to compare") };
            let quantized = Quantized::of(digits, [0.0; 64 * 64].chunks_exact(64));
            let mut to = vec![7.0; 64];
            vnni.product(&mut to, false, &vnni.pack(&[0.0; 64], 64), &quantized);
            assert_eq!(to, [0.0; 64]);
        }
    }
}
