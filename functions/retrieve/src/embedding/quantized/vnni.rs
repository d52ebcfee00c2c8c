//! The product for processors with AVX-512 VNNI.

use std::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_prefetch, _mm512_dpbusd_epi32, _mm512_dpwssd_epi32, _mm512_set1_epi32,
    _mm512_setzero_si512,
};

use pulp::bytemuck::cast;

use super::{DIMENSION, Digits, LANES, Quantized, REGISTERS};

/// Tokens that are computed together, at most: with the weights and one state, their sums fill the registers.
const MOST: usize = 14;
/// Outputs that are computed together.
const BLOCK: usize = REGISTERS * LANES;
/// Weights are asked for a page before they are needed. What a processor fetches by itself ends with each page, and weights take
/// thousands; of two lines side by side it fetches the other.
const AHEAD: usize = 4096 / size_of::<Register>();

/// A word for each of as many outputs as there are lanes.
pub(super) type Register = __m512i;

/// Says that the instructions are there, and how to use them.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Vnni(Digits);

/// Rows of states in few digits, in tiles.
pub(in super::super) struct Packed {
    rows: Vec<Row>,
    /// Of each row.
    scales: Vec<f32>,
    /// The rows of a tile.
    tile: usize,
}

/// The words of a token's states; of eight digits there are half as many. Of known size, so that one address leads to all rows.
type Row = [i32; WORDS];
const WORDS: usize = DIMENSION / Digits::Twelve.per_word();

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
            match states.tile {
                ..=2 => product::<2>(self.0, to, add, states, weights),
                4 => product::<4>(self.0, to, add, states, weights),
                6 => product::<6>(self.0, to, add, states, weights),
                8 => product::<8>(self.0, to, add, states, weights),
                10 => product::<10>(self.0, to, add, states, weights),
                12 => product::<12>(self.0, to, add, states, weights),
                _ => product::<MOST>(self.0, to, add, states, weights),
            }
        }
    }
}

/// The rows of each tile for so many tokens: one of the sizes that are compiled, so that little is computed in vain. Weights take
/// each tile as long as two rows.
fn tile(tokens: usize) -> usize {
    (2..=MOST).step_by(2).min_by_key(|rows| tokens.div_ceil(*rows) * (rows + 2)).unwrap_or(MOST)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn product<const ROWS: usize>(digits: Digits, to: &mut [f32], add: bool, states: &Packed, weights: &Quantized) {
    let width = weights.width();
    let length = width / digits.per_word();
    for (block, words) in weights.words.chunks_exact(REGISTERS * length).enumerate() {
        let first = block * BLOCK;
        let (scales, excess) =
            (&weights.scales.as_chunks::<BLOCK>().0[block], &weights.excess.as_chunks::<BLOCK>().0[block]);
        let tiles = states.rows.as_chunks::<ROWS>().0.iter().zip(states.scales.chunks_exact(ROWS));
        for ((tile, tokens), to) in tiles.zip(to.chunks_mut(ROWS * width)) {
            let sums = sums::<ROWS>(digits, tile, words);
            for ((row, sums), token) in to.chunks_exact_mut(width).zip(&sums).zip(tokens) {
                let row = &mut row[first..][..BLOCK];
                let sums: [i32; BLOCK] = cast(*sums);
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
fn sums<const ROWS: usize>(digits: Digits, tile: &[Row; ROWS], weights: &[Register]) -> [[Register; REGISTERS]; ROWS] {
    let mut sums = [[_mm512_setzero_si512(); REGISTERS]; ROWS];
    for (at, weights) in (0..WORDS).zip(weights.as_chunks::<REGISTERS>().0) {
        ask_for(&weights[0]);
        for (sums, row) in sums.iter_mut().zip(tile) {
            let state = _mm512_set1_epi32(row[at]);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = match digits {
                    Digits::Eight => _mm512_dpbusd_epi32(*sum, state, *weights),
                    Digits::Twelve => _mm512_dpwssd_epi32(*sum, state, *weights),
                };
            }
        }
    }
    sums
}

/// Asks for what lies ahead of some weights.
#[inline(always)]
fn ask_for(weights: &Register) {
    let ahead = std::ptr::from_ref(weights).wrapping_add(AHEAD);
    #[expect(unsafe_code, reason = "takes an address")]
    // SAFETY: a hint; whatever is there, or is not, it reads nothing.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn pack(digits: Digits, states: &[f32], width: usize) -> Packed {
    let tile = tile(states.len() / width);
    let padded = (states.len() / width).next_multiple_of(tile);
    // What the last tile lacks are rows of zeros, of which nobody reads the sums.
    let (mut rows, mut scales) = (vec![[0; WORDS]; padded], vec![0.0; padded]);
    for ((states, row), scale) in states.chunks_exact(width).zip(&mut rows).zip(&mut scales) {
        *scale = digits.pack(states, digits.shift(), &mut row[..width / digits.per_word()]);
    }
    Packed { rows, scales, tile }
}
