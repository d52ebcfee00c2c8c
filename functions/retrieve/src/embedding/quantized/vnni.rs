//! The product for processors with AVX-512 VNNI.

use std::arch::x86_64::{__m512i, _mm512_dpbusd_epi32, _mm512_dpwssd_epi32, _mm512_set1_epi32, _mm512_setzero_si512};

use pulp::bytemuck::cast;

use super::{Digits, LANES, Quantized, REGISTERS};

/// Tokens that are computed together: with the weights, their sums fill the registers.
const TILE: usize = 6;
/// Outputs that are computed together.
const BLOCK: usize = REGISTERS * LANES;

/// A word for each of as many outputs as there are lanes.
pub(super) type Register = __m512i;

/// Says that the instructions are there, and how to use them.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Vnni(Digits);

/// Rows of states in few digits; as many that a tile is full.
pub(in super::super) struct Packed {
    /// Tiles, each word by word: one of every row.
    words: Vec<[i32; TILE]>,
    /// Of each row.
    scales: Vec<f32>,
}

impl Vnni {
    /// There is one only where the processor has the instructions.
    pub(in super::super) fn detected(digits: Digits) -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni");
        there.then_some(Self(digits))
    }

    pub(in super::super) fn digits(self) -> Digits {
        self.0
    }

    /// `states`, rows of `width`, for [`Self::product`].
    pub(in super::super) fn pack(self, states: &[f32], width: usize) -> Packed {
        #[expect(unsafe_code, reason = "calls what is compiled for instructions that not every processor has")]
        // SAFETY: a `Vnni` exists only where `detected` found all the instructions that `pack` is compiled for.
        unsafe {
            pack(self.0, states, width)
        }
    }

    /// `to = states * weights`, or `to += ..`.
    pub(in super::super) fn product(self, to: &mut [f32], add: bool, states: &Packed, weights: &Quantized) {
        #[expect(unsafe_code, reason = "calls what is compiled for instructions that not every processor has")]
        // SAFETY: a `Vnni` exists only where `detected` found all the instructions that `product` is compiled for.
        unsafe {
            product(self.0, to, add, states, weights);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn product(digits: Digits, to: &mut [f32], add: bool, states: &Packed, weights: &Quantized) {
    let width = weights.width();
    let length = width / digits.per_word();
    for (block, words) in weights.words.chunks_exact(REGISTERS * length).enumerate() {
        let first = block * BLOCK;
        let (scales, excess) =
            (&weights.scales.as_chunks::<BLOCK>().0[block], &weights.excess.as_chunks::<BLOCK>().0[block]);
        let tiles = states.words.chunks_exact(length).zip(states.scales.chunks_exact(TILE));
        for ((tile, tokens), to) in tiles.zip(to.chunks_mut(TILE * width)) {
            let sums = sums(digits, tile, words);
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
fn sums(digits: Digits, tile: &[[i32; TILE]], weights: &[Register]) -> [[i32; BLOCK]; TILE] {
    let mut sums = [[_mm512_setzero_si512(); REGISTERS]; TILE];
    for (states, weights) in tile.iter().zip(weights.as_chunks::<REGISTERS>().0) {
        for (sums, state) in sums.iter_mut().zip(states) {
            let state = _mm512_set1_epi32(*state);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = match digits {
                    Digits::Eight => _mm512_dpbusd_epi32(*sum, state, *weights),
                    Digits::Twelve => _mm512_dpwssd_epi32(*sum, state, *weights),
                };
            }
        }
    }
    cast(sums)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn pack(digits: Digits, states: &[f32], width: usize) -> Packed {
    let length = width / digits.per_word();
    let tiles = (states.len() / width).div_ceil(TILE);
    let (mut words, mut scales) = (vec![[0; TILE]; tiles * length], vec![0.0; tiles * TILE]);
    let mut packed = vec![0; TILE * length];
    let all = states.chunks(TILE * width).zip(words.chunks_exact_mut(length)).zip(scales.chunks_exact_mut(TILE));
    for ((states, words), scales) in all {
        let rows = states.chunks_exact(width).zip(packed.chunks_exact_mut(length));
        rows.zip(scales).for_each(|((states, row), scale)| *scale = digits.pack(states, digits.shift(), row));
        // What the last tile lacks are rows of the one before it, which nobody reads.
        for (at, words) in words.iter_mut().enumerate() {
            *words = std::array::from_fn(|row| packed[row * length + at]);
        }
    }
    Packed { words, scales }
}
