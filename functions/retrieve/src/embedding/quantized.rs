//! Weights in eight bits. Four times as many fit into a cache and into an instruction as of 32, where the processor
//! multiplies bytes and sums up (VNNI); where it does not, there are none.
//!
//! Each output has its own scale, and so has each token's row of states: `state * weight` is `byte * byte` times both.
//! The instruction wants unsigned states: they are 128 too large, and what that adds is known beforehand.

#[cfg(target_arch = "x86_64")]
mod vnni;
#[cfg(not(target_arch = "x86_64"))]
#[path = "quantized/none.rs"]
mod vnni;

pub(super) use vnni::Vnni;

/// Outputs that are computed together: four registers of sixteen sums.
const BLOCK: usize = 64;
/// Inputs that one instruction multiplies and sums up for each output.
const FOUR: usize = 4;

/// For each register, four inputs' weights of sixteen outputs, in two's complement.
type Step = [[[u8; FOUR]; 16]; BLOCK / 16];

/// `width` x `width` weights: blocks of outputs, each four inputs by four.
#[derive(Debug)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only the product reads them"))]
pub(super) struct Quantized {
    steps: Vec<Step>,
    /// Of each output.
    scales: Vec<f32>,
    /// What states that are 128 too large add to each output.
    excess: Vec<i32>,
}

impl Quantized {
    /// From rows of weights, one for each output.
    pub(super) fn of<'a>(outputs: impl ExactSizeIterator<Item = &'a [f32]>) -> Self {
        let width = outputs.len();
        let mut steps = vec![[[[0; FOUR]; 16]; BLOCK / 16]; width / BLOCK * (width / FOUR)];
        let (mut scales, mut excess) = (Vec::with_capacity(width), Vec::with_capacity(width));
        let mut bytes = vec![0; width];
        for (number, weights) in outputs.enumerate() {
            scales.push(quantize(weights, 0.0, &mut bytes));
            excess.push(bytes.iter().map(|byte| 128 * i32::from(byte.cast_signed())).sum());
            let (block, place) = (number / BLOCK, number % BLOCK);
            let steps = &mut steps[block * (width / FOUR)..];
            for (step, four) in steps.iter_mut().zip(bytes.as_chunks().0) {
                step[place / 16][place % 16] = *four;
            }
        }
        Self { steps, scales, excess }
    }

    /// Whether a matrix of this width can be cut so.
    pub(super) fn fits(width: usize) -> bool {
        width.is_multiple_of(BLOCK)
    }
}

/// `values` in units of the scale that it returns, plus `shift`; the lowest byte of each.
#[inline(always)]
fn quantize(values: &[f32], shift: f32, bytes: &mut [u8]) -> f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 * 2^23: a sum with it has no digits behind the point, and ends with the whole number
    let mut largest = [f32::MIN_POSITIVE; 16];
    for values in values.as_chunks::<16>().0 {
        for (largest, value) in largest.iter_mut().zip(values) {
            *largest = if value.abs() > *largest { value.abs() } else { *largest };
        }
    }
    let scale = largest.into_iter().fold(f32::MIN_POSITIVE, f32::max) / 127.0;
    let inverse = 1.0 / scale;
    for (byte, value) in bytes.iter_mut().zip(values) {
        *byte = (value * inverse + (MAGIC + shift)).to_bits().to_le_bytes()[0];
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_formula_but_for_rounding() {
        let Some(vnni) = Vnni::detected() else { return println!("no VNNI here: nothing to compare") };
        let (seed, width) = (fastrand::u64(..), 128);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let mut matrix = |rows: usize| -> Vec<f32> { (0..rows * width).map(|_| random.f32() - 0.5).collect() };
        let weights = matrix(width);
        let quantized = Quantized::of(weights.chunks_exact(width));
        for tokens in 1..=14 {
            let states = matrix(tokens);
            let mut once = vec![7.0; tokens * width];
            vnni.product(&mut once, false, &states, &quantized);
            let mut twice = once.clone();
            vnni.product(&mut twice, true, &states, &quantized);
            for (at, value) in once.iter().enumerate() {
                let (state, weight) = (&states[at / width * width..], &weights[at % width * width..][..width]);
                let exact: f32 = state.iter().zip(weight).map(|(a, b)| a * b).sum();
                assert!((value - exact).abs() < 0.05, "{tokens} tokens, {at}: {value} for {exact}");
                assert!((twice[at] - 2.0 * value).abs() < 1e-4, "{tokens} tokens, {at}: added to what was there");
            }
        }
    }

    #[test]
    fn rows_of_zeros_stay_zeros() {
        let Some(vnni) = Vnni::detected() else { return println!("no VNNI here: nothing to compare") };
        let quantized = Quantized::of([0.0; 64 * 64].chunks_exact(64));
        let mut to = vec![7.0; 64];
        vnni.product(&mut to, false, &[0.0; 64], &quantized);
        assert_eq!(to, [0.0; 64]);
    }
}
