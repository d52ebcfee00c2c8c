//! The forward pass of BERT.
//!
//! Several texts lie behind each other in one matrix, without padding, and only attention keeps them apart: the weights,
//! which no cache of a core holds, are read once for all. Two texts of 128 tokens together take 3 to 4 % less time than one
//! by one; with more, what they need in cache eats up what they gain. The threads of the pool work side by side.
//!
//! Products with exact weights are `faer`'s: at these shapes near the peak of a core, a safe interface, kernels for AVX-512, AVX2 and
//! NEON that are chosen at run time. `gemm`, which `candle` uses, took 1.2 to 2 times as long with ten tokens.

use std::{cell::OnceCell, io};

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul, reborrow::ReborrowMut};
use pulp::Arch;

use super::{
    attention::Attention,
    kernels::{AddNormalize, Gelu, Norm, run},
    quantized::{Packed, Quantized, Vnni},
    words::Words,
};

/// Columns that lie together in memory. As many as the kernel for 512-bit vectors takes at once, and a multiple of what
/// narrower ones take: with whole rows a text of ten tokens waits twice as long for the memory.
const PANEL: usize = 96;

/// `width` x `width` weights for `states * weights`.
#[derive(Debug)]
pub(super) enum Square {
    /// As the model was trained: panels of [`PANEL`] columns, each row by row.
    Exact(Vec<f32>),
    /// In few digits, with the processor's leave to compute with them.
    Quantized(Vnni, Quantized),
}

/// Weights and what is added.
#[derive(Debug)]
pub(super) struct Linear {
    pub(super) weights: Square,
    pub(super) bias: Vec<f32>,
}

/// One layer. Its wide inner part is cut into squares as well, so that what is between them stays in cache.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) query_key_value: [Linear; 3],
    pub(super) output: Linear,
    pub(super) attended: Norm,
    pub(super) up: Vec<Linear>,
    pub(super) down: Vec<Square>,
    pub(super) down_bias: Vec<f32>,
    pub(super) transformed: Norm,
}

/// The whole network.
#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) arch: Arch,
    pub(super) width: usize,
    pub(super) heads: usize,
    /// A row for each token of the vocabulary.
    pub(super) words: Words,
    /// A row for each position; that of the only token type is in it.
    pub(super) positions: Vec<f32>,
    pub(super) embedded: Norm,
    pub(super) layers: Vec<Layer>,
}

/// What the layers compute with; every matrix has a row of `width` for each token.
struct Scratch {
    /// The tokens of each text.
    lengths: Vec<usize>,
    query_key_value: [Vec<f32>; 3],
    inner: Vec<f32>,
    update: Vec<f32>,
}

impl Square {
    /// The square of `matrix` (rows of `inputs` weights, one for each output) from input `row` and output `column` on; in
    /// the digits of `vnni` when it is there.
    pub(super) fn of(
        matrix: &[f32],
        inputs: usize,
        width: usize,
        (row, column): (usize, usize),
        vnni: Option<Vnni>,
    ) -> Self {
        let output = |output| &matrix[output * inputs + row..][..width];
        if let Some(vnni) = vnni {
            return Self::Quantized(vnni, Quantized::of(vnni.digits(), (column..column + width).map(output)));
        }
        let mut panels = Vec::with_capacity(width * width);
        for panel in (column..column + width).step_by(PANEL) {
            let outputs: Vec<&[f32]> = (panel..panel + PANEL).map(output).collect();
            (0..width).for_each(|input| panels.extend(outputs.iter().map(|output| output[input])));
        }
        Self::Exact(panels)
    }

    /// Whether a network of this width can be cut so.
    pub(super) fn fits(width: usize) -> bool {
        width.is_multiple_of(PANEL) && Quantized::fits(width)
    }
}

impl Encoder {
    /// The last layer's states of the tokens of `texts`, text after text, `width` numbers each. A text has at most as many as
    /// there are positions, and all are in the vocabulary.
    pub(super) fn states(&self, texts: &[&[u32]]) -> io::Result<Vec<f32>> {
        let mut states = Vec::new();
        for tokens in texts {
            states.extend(self.embedded(tokens)?);
        }
        let mut scratch = Scratch::new(texts.iter().map(|tokens| tokens.len()).collect(), self.width);
        for layer in &self.layers {
            self.attend(layer, &mut states, &mut scratch);
            self.transform(layer, &mut states, &mut scratch);
        }
        Ok(states)
    }

    fn embedded(&self, tokens: &[u32]) -> io::Result<Vec<f32>> {
        let mut states = self.words.rows(tokens)?;
        let (update, bias) = (&self.positions[..states.len()], &vec![0.0; self.width]);
        run(self.arch, AddNormalize { states: &mut states, update, bias, norm: &self.embedded });
        Ok(states)
    }

    fn attend(&self, layer: &Layer, states: &mut [f32], scratch: &mut Scratch) {
        let width = self.width;
        let factor = Factor::new(states);
        for (linear, to) in layer.query_key_value.iter().zip(&mut scratch.query_key_value) {
            to.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(&linear.bias));
            factor.product(to, Accum::Add, &linear.weights);
        }
        let mut start = 0;
        for tokens in &scratch.lengths {
            let text = start..start + tokens * width;
            start = text.end;
            let [queries, keys, values] = scratch.query_key_value.each_ref().map(|matrix| &matrix[text.clone()]);
            let to = &mut scratch.inner[text];
            run(self.arch, Attention { queries, keys, values, to, width, heads: self.heads });
        }
        Factor::new(&scratch.inner).product(&mut scratch.update, Accum::Replace, &layer.output.weights);
        let (update, bias) = (&scratch.update, &layer.output.bias);
        run(self.arch, AddNormalize { states, update, bias, norm: &layer.attended });
    }

    fn transform(&self, layer: &Layer, states: &mut [f32], scratch: &mut Scratch) {
        scratch.update.fill(0.0);
        let factor = Factor::new(states);
        for (up, down) in layer.up.iter().zip(&layer.down) {
            factor.product(&mut scratch.inner, Accum::Replace, &up.weights);
            run(self.arch, Gelu { values: &mut scratch.inner, bias: &up.bias });
            Factor::new(&scratch.inner).product(&mut scratch.update, Accum::Add, down);
        }
        let (update, bias) = (&scratch.update, &layer.down_bias);
        run(self.arch, AddNormalize { states, update, bias, norm: &layer.transformed });
    }
}

/// A matrix of rows as long as `width`.
fn rows(matrix: &[f32], width: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(matrix, matrix.len() / width, width)
}

/// States to be multiplied with the weights of one encoder: all are of the same width and digits.
struct Factor<'a> {
    states: &'a [f32],
    /// The same as quantized weights want them, once one of those has asked.
    packed: OnceCell<Packed>,
}

impl<'a> Factor<'a> {
    fn new(states: &'a [f32]) -> Self {
        Self { states, packed: OnceCell::new() }
    }

    /// `to = states * weights`, or `to += ..`; on this thread alone.
    fn product(&self, to: &mut [f32], accum: Accum, weights: &Square) {
        let panels = match weights {
            Square::Exact(panels) => panels,
            Square::Quantized(vnni, weights) => {
                let packed = self.packed.get_or_init(|| vnni.pack(self.states, weights.width()));
                return vnni.product(to, matches!(accum, Accum::Add), packed, weights);
            }
        };
        let width = panels.len().isqrt();
        let states = rows(self.states, width);
        let mut to = MatMut::from_row_major_slice_mut(to, states.nrows(), width);
        for (number, panel) in panels.chunks_exact(width * PANEL).enumerate() {
            let to = to.rb_mut().subcols_mut(number * PANEL, PANEL);
            matmul(to, accum, states, MatRef::from_row_major_slice(panel, width, PANEL), 1.0, Par::Seq);
        }
    }
}

impl Scratch {
    fn new(lengths: Vec<usize>, width: usize) -> Self {
        let tokens = lengths.iter().sum::<usize>();
        let matrix = || vec![0.0; tokens * width];
        Self { lengths, query_key_value: [matrix(), matrix(), matrix()], inner: matrix(), update: matrix() }
    }
}
