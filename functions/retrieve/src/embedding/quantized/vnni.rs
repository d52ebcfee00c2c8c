//! The product for processors with AVX-512 VNNI.

use std::arch::x86_64::{__m512i, _mm512_dpbusd_epi32, _mm512_set1_epi32, _mm512_setzero_si512};

use pulp::bytemuck::cast;

use super::{BLOCK, FOUR, Quantized, Step, quantize};

/// Tokens that are computed together: their sums fill half of the registers, so that none waits for the one before.
const TILE: usize = 4;

/// Says that the instructions are there.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Vnni(());

/// Rows of states in eight bits, 128 too large; as many that a tile is full.
struct States {
    bytes: Vec<[u8; FOUR]>,
    /// Of each row.
    scales: Vec<f32>,
}

impl Vnni {
    /// There is one only where the processor has the instructions.
    pub(in super::super) fn detected() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni");
        there.then_some(Self(()))
    }

    /// `to = states * weights`, or `to += ..`.
    pub(in super::super) fn product(self, to: &mut [f32], add: bool, states: &[f32], weights: &Quantized) {
        #[expect(unsafe_code, reason = "calls what is compiled for instructions that not every processor has")]
        // SAFETY: a `Vnni` exists only where `detected` found all the instructions that `product` is compiled for.
        unsafe {
            product(to, add, states, weights);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn product(to: &mut [f32], add: bool, states: &[f32], weights: &Quantized) {
    let width = weights.scales.len();
    let states = States::of(states, width);
    for (block, steps) in weights.steps.chunks_exact(width / FOUR).enumerate() {
        let first = block * BLOCK;
        let (scales, excess) =
            (&weights.scales.as_chunks::<BLOCK>().0[block], &weights.excess.as_chunks::<BLOCK>().0[block]);
        let tiles = states.bytes.chunks_exact(TILE * width / FOUR).zip(states.scales.chunks_exact(TILE));
        for ((tile, tokens), to) in tiles.zip(to.chunks_mut(TILE * width)) {
            let sums = sums(tile, steps);
            for ((row, sums), token) in to.chunks_exact_mut(width).zip(&sums).zip(tokens) {
                let row = &mut row[first..][..BLOCK];
                let values: [f32; BLOCK] =
                    std::array::from_fn(|at| sums[at].wrapping_sub(excess[at]) as f32 * (token * scales[at]));
                let kept = if add { 1.0 } else { 0.0 };
                row.iter_mut().zip(values).for_each(|(to, value)| *to = *to * kept + value);
            }
        }
    }
}

/// The sums of a tile of tokens and a block of outputs.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sums(tile: &[[u8; FOUR]], steps: &[Step]) -> [[i32; BLOCK]; TILE] {
    let mut sums = [[_mm512_setzero_si512(); BLOCK / 16]; TILE];
    let rows: [&[[u8; FOUR]]; TILE] = std::array::from_fn(|row| &tile[row * steps.len()..][..steps.len()]);
    for (at, step) in steps.iter().enumerate() {
        let weights: [__m512i; BLOCK / 16] = cast(*step);
        for (sums, row) in sums.iter_mut().zip(rows) {
            let states = _mm512_set1_epi32(i32::from_ne_bytes(row[at]));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = _mm512_dpbusd_epi32(*sum, states, weights);
            }
        }
    }
    cast(sums)
}

impl States {
    #[inline(always)]
    fn of(states: &[f32], width: usize) -> Self {
        let rows = (states.len() / width).next_multiple_of(TILE);
        let (mut bytes, mut scales) = (vec![[0; FOUR]; rows * width / FOUR], vec![0.0; rows]);
        let rows = bytes.chunks_exact_mut(width / FOUR).zip(&mut scales);
        for (states, (bytes, scale)) in states.chunks_exact(width).zip(rows) {
            *scale = quantize(states, 128.0, bytes.as_flattened_mut());
        }
        Self { bytes, scales }
    }
}
