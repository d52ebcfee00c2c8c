//! The weights of a BERT from a safetensors file, a tensor at a time: the whole file beside what is kept of it would be more
//! memory than a small function has.

use std::{fs::File, io::Read, ops::Range, os::unix::fs::FileExt, path::Path};

use pulp::Arch;
use safetensors::{Dtype, tensor::Metadata};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    attention::Attention,
    encoder::{Encoder, Layer, Linear, Square},
    kernels::Norm,
    quantized::Vnni,
    words::{Words, floats},
};

/// The format's own limit is 100 MB; ours are some kilobytes.
const LONGEST_HEADER: u64 = 1 << 20;
/// Bytes that are turned into numbers at a time.
const STRETCH: usize = 1 << 16;

/// What `config.json` says of the network.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub(super) hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    pub(super) vocab_size: usize,
    pub(super) max_position_embeddings: usize,
    hidden_act: String,
    layer_norm_eps: f32,
}

/// An open file.
pub(super) struct Weights {
    file: File,
    length: u64,
    /// Where its tensors begin.
    start: u64,
    metadata: Metadata,
}

impl Config {
    /// Whether this code computes such a network.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self { hidden_size: width, num_attention_heads: heads, intermediate_size: inner, .. } = self;
        let is_cut = inner.is_multiple_of(*width) && Square::fits(*width) && Attention::fits(*width, *heads);
        if is_cut && self.hidden_act == "gelu" {
            return Ok(());
        }
        Err(format!("{heads} heads, {inner} inner dimensions and {} are not supported", self.hidden_act))
    }
}

impl Weights {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|error| error.to_string())?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER {
            return Err("its header is too long".to_owned());
        }
        let mut header = Vec::new();
        Read::take(&mut file, length).read_to_end(&mut header).map_err(|error| error.to_string())?;
        let metadata = serde_json::from_slice(&header).map_err(|error| error.to_string())?;
        let whole = file.metadata().map_err(|error| error.to_string())?.len();
        Ok(Self { file, length: whole, start: 8 + length, metadata })
    }

    /// A digest of samples: all 90 MB would cost a tenth of a second at every start.
    pub(super) fn sampled(&self, digest: &mut Sha256) -> Result<(), String> {
        const SAMPLE: usize = 4096;
        let length = self.length;
        let stride = (length / 64).max(SAMPLE as u64);
        for at in (0..length).step_by(usize::try_from(stride).unwrap_or(usize::MAX)) {
            let mut sample = [0; SAMPLE];
            let there = usize::try_from(length - at).unwrap_or(SAMPLE).min(SAMPLE);
            self.file.read_exact_at(&mut sample[..there], at).map_err(|error| error.to_string())?;
            digest.update(&sample[..there]);
        }
        Ok(())
    }

    /// Builds the network; in the digits of `vnni` when it is there.
    pub(super) fn encoder(&self, config: &Config, vnni: Option<Vnni>) -> Result<Encoder, String> {
        let Config { hidden_size: width, vocab_size, max_position_embeddings: positions, .. } = *config;
        let types = self.read("embeddings.token_type_embeddings.weight", None, width)?;
        let mut places = self.read("embeddings.position_embeddings.weight", Some(positions), width)?;
        for row in places.chunks_exact_mut(width) {
            row.iter_mut().zip(&types).for_each(|(place, kind)| *place += kind);
        }
        Ok(Encoder {
            arch: Arch::new(),
            width,
            heads: config.num_attention_heads,
            words: self.words(vocab_size, width)?,
            positions: places,
            embedded: self.norm("embeddings.LayerNorm", config)?,
            layers: self.layers(config, vnni)?,
        })
    }

    fn words(&self, vocabulary: usize, width: usize) -> Result<Words, String> {
        let (at, _) = self.located("embeddings.word_embeddings.weight", Some(vocabulary), width)?;
        let file = self.file.try_clone().map_err(|error| error.to_string())?;
        Ok(Words { file, start: self.start + at, width })
    }

    fn layers(&self, config: &Config, vnni: Option<Vnni>) -> Result<Vec<Layer>, String> {
        // Matrices are read into the same memory: new memory for each would be cleared for each, which takes as long as reading.
        let some = |numbers: Range<usize>| -> Result<Vec<Layer>, String> {
            let mut matrix = Vec::new();
            numbers.map(|number| self.layer(number, config, vnni, &mut matrix)).collect()
        };
        let (count, half) = (config.num_hidden_layers, config.num_hidden_layers / 2);
        let (first, last) = at_once(|| some(0..half), || some(half..count));
        Ok(first?.into_iter().chain(last?).collect())
    }

    fn layer(
        &self,
        number: usize,
        config: &Config,
        vnni: Option<Vnni>,
        matrix: &mut Vec<f32>,
    ) -> Result<Layer, String> {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        let cuts = || (0..inner).step_by(width);
        let up_bias = self.read(&name("intermediate.dense.bias"), None, inner)?;
        self.read_into(matrix, &name("intermediate.dense.weight"), Some(inner), width)?;
        let cut_up = |column| Linear {
            weights: Square::of(matrix, width, width, (0, column), vnni),
            bias: up_bias[column..column + width].to_vec(),
        };
        let up = cuts().map(cut_up).collect();
        self.read_into(matrix, &name("output.dense.weight"), Some(width), inner)?;
        let down = cuts().map(|row| Square::of(matrix, inner, width, (row, 0), vnni)).collect();
        let mut attention = |part| self.linear(&name(part), width, vnni, matrix);
        Ok(Layer {
            query_key_value: [
                attention("attention.self.query")?,
                attention("attention.self.key")?,
                attention("attention.self.value")?,
            ],
            output: attention("attention.output.dense")?,
            attended: self.norm(&name("attention.output.LayerNorm"), config)?,
            up,
            down,
            down_bias: self.read(&name("output.dense.bias"), None, width)?,
            transformed: self.norm(&name("output.LayerNorm"), config)?,
        })
    }

    fn linear(&self, name: &str, width: usize, vnni: Option<Vnni>, matrix: &mut Vec<f32>) -> Result<Linear, String> {
        self.read_into(matrix, &format!("{name}.weight"), Some(width), width)?;
        let bias = self.read(&format!("{name}.bias"), None, width)?;
        Ok(Linear { weights: Square::of(matrix, width, width, (0, 0), vnni), bias })
    }

    fn norm(&self, name: &str, config: &Config) -> Result<Norm, String> {
        Ok(Norm {
            scale: self.read(&format!("{name}.weight"), None, config.hidden_size)?,
            shift: self.read(&format!("{name}.bias"), None, config.hidden_size)?,
            epsilon: config.layer_norm_eps,
        })
    }

    /// A tensor whose last dimension is `columns`, and whose first, where there are two and it is known, is `rows`.
    fn read(&self, name: &str, rows: Option<usize>, columns: usize) -> Result<Vec<f32>, String> {
        let mut numbers = Vec::new();
        self.read_into(&mut numbers, name, rows, columns)?;
        Ok(numbers)
    }

    /// The same, in place of what `numbers` held.
    fn read_into(&self, numbers: &mut Vec<f32>, name: &str, rows: Option<usize>, columns: usize) -> Result<(), String> {
        let (at, bytes) = self.located(name, rows, columns)?;
        numbers.clear();
        numbers.reserve_exact(bytes / 4);
        let mut stretch = vec![0; STRETCH.min(bytes)];
        while numbers.len() * 4 < bytes {
            let done = numbers.len() * 4;
            let wanted = (bytes - done).min(STRETCH);
            let from = self.start + at + done as u64;
            self.file.read_exact_at(&mut stretch[..wanted], from).map_err(|error| error.to_string())?;
            numbers.extend(floats(&stretch[..wanted]));
        }
        Ok(())
    }

    /// Where such a tensor begins, behind the header, and its bytes, which are all in the file.
    fn located(&self, name: &str, rows: Option<usize>, columns: usize) -> Result<(u64, usize), String> {
        let info = self.metadata.info(name).ok_or_else(|| format!("{name} is missing"))?;
        let count = match info.shape[..] {
            [only] if only == columns && rows.is_none() => Some(only),
            [first, last] if last == columns && rows.is_none_or(|rows| rows == first) => first.checked_mul(last),
            _ => None,
        };
        let (from, to) = info.data_offsets;
        let bytes = to.checked_sub(from).filter(|bytes| count.and_then(|count| count.checked_mul(4)) == Some(*bytes));
        let is_there = self.start.checked_add(to as u64).is_some_and(|end| end <= self.length);
        match bytes {
            Some(bytes) if info.dtype == Dtype::F32 && is_there => Ok((from as u64, bytes)),
            _ => Err(format!("{name} is {:?} of {:?}", info.shape, info.dtype)),
        }
    }
}

/// Both results, in the time of the longer.
#[expect(clippy::disallowed_methods, reason = "one thread more while a model is read, which ends with that")]
pub(super) fn at_once<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
    })
}
