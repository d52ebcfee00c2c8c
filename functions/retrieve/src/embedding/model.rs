//! The sentence encoder all-MiniLM-L6-v2 (or another BERT of its width) on candle: forward pass, mean over tokens,
//! unit length, as its authors define it.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use sha2::{Digest, Sha256};
use tokenizers::{Encoding, Tokenizer, TruncationParams};

/// Numbers in a vector; the width of the column that stores it.
pub const DIMENSION: usize = 384;
/// The model was trained on texts of this many tokens; the rest of a longer one is not read.
const MAX_TOKENS: usize = 256;

/// Why a model folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There is no such folder.
    #[error("MODEL_DIR: there is no model in {0}")]
    Missing(String),
    /// A file of it cannot be read or understood.
    #[error("MODEL_DIR: {file}: {cause}")]
    File {
        /// Which.
        file: &'static str,
        /// Why.
        cause: String,
    },
    /// It makes vectors of another width than the database stores.
    #[error("MODEL_DIR: the model has {0} dimensions, expected {DIMENSION}")]
    Dimension(usize),
    /// Its threads could not be started.
    #[error("the embedding threads could not be started: {0}")]
    Threads(#[from] std::io::Error),
}

/// A loaded model.
pub(super) struct Model {
    name: String,
    tokenizer: Tokenizer,
    bert: BertModel,
}

impl Model {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors`.
    pub(super) fn load(folder: &Path) -> Result<Self, ModelError> {
        if !folder.is_dir() {
            return Err(ModelError::Missing(folder.display().to_string()));
        }
        let config = read(folder, "config.json")?;
        let tokens = read(folder, "tokenizer.json")?;
        let weights = read(folder, "model.safetensors")?;
        let name = name(&[&config, &tokens], &weights);
        Ok(Self { name, tokenizer: tokenizer(&tokens)?, bert: bert(&config, weights)? })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn count_tokens(&self, text: &str) -> usize {
        // Without truncation a count costs as much as the text is long; beyond the model's reach it does not matter.
        self.tokenizer.encode_fast(text, false).map_or(usize::MAX, |encoding| encoding.len())
    }

    /// One unit vector for each text.
    pub(super) fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, candle_core::Error> {
        let encodings = self.tokenizer.encode_batch_fast(texts.to_vec(), true).map_err(candle_core::Error::wrap)?;
        let (tokens, mask) = padded(&encodings)?;
        let states = self.bert.forward(&tokens, &tokens.zeros_like()?, Some(&mask))?;
        normalized(&mean(&states, &mask)?)?.to_vec2()
    }
}

fn read(folder: &Path, file: &'static str) -> Result<Vec<u8>, ModelError> {
    std::fs::read(folder.join(file)).map_err(|error| ModelError::File { file, cause: error.to_string() })
}

/// Stored with every vector. Hashes samples of the weights: all 90 MB would cost a tenth of a second at every start.
fn name(files: &[&[u8]], weights: &[u8]) -> String {
    const SAMPLE: usize = 4096;
    let mut digest = Sha256::new();
    files.iter().for_each(|file| digest.update(file));
    let stride = (weights.len() / 64).max(SAMPLE);
    weights.chunks(stride).for_each(|stretch| digest.update(&stretch[..stretch.len().min(SAMPLE)]));
    let hex: String = digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("bert-{DIMENSION}-{hex}")
}

fn tokenizer(json: &[u8]) -> Result<Tokenizer, ModelError> {
    let refused = |cause: tokenizers::Error| ModelError::File { file: "tokenizer.json", cause: cause.to_string() };
    let mut tokenizer = Tokenizer::from_bytes(json).map_err(refused)?;
    let truncation = TruncationParams { max_length: MAX_TOKENS, ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation)).map_err(refused)?;
    tokenizer.with_padding(None);
    Ok(tokenizer)
}

fn bert(config: &[u8], weights: Vec<u8>) -> Result<BertModel, ModelError> {
    let config: Config = serde_json::from_slice(config)
        .map_err(|error| ModelError::File { file: "config.json", cause: error.to_string() })?;
    if config.hidden_size != DIMENSION {
        return Err(ModelError::Dimension(config.hidden_size));
    }
    let refused = |error: candle_core::Error| ModelError::File { file: "model.safetensors", cause: error.to_string() };
    let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu).map_err(refused)?;
    BertModel::load(weights, &config).map_err(refused)
}

/// Token ids and mask, `[texts, longest]` both. The padding's id does not matter: it is masked.
fn padded(encodings: &[Encoding]) -> Result<(Tensor, Tensor), candle_core::Error> {
    let longest = encodings.iter().map(Encoding::len).max().unwrap_or(0);
    let row = |values: &[u32]| values.iter().copied().chain(std::iter::repeat(0)).take(longest).collect::<Vec<_>>();
    let ids: Vec<u32> = encodings.iter().flat_map(|encoding| row(encoding.get_ids())).collect();
    let mask: Vec<u32> = encodings.iter().flat_map(|encoding| row(encoding.get_attention_mask())).collect();
    let shape = (encodings.len(), longest);
    Ok((Tensor::from_vec(ids, shape, &Device::Cpu)?, Tensor::from_vec(mask, shape, &Device::Cpu)?))
}

/// The mean of the token states `[texts, tokens, width]` that are not masked.
fn mean(states: &Tensor, mask: &Tensor) -> Result<Tensor, candle_core::Error> {
    let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
    states.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&mask.sum(1)?)
}

fn normalized(vectors: &Tensor) -> Result<Tensor, candle_core::Error> {
    vectors.broadcast_div(&vectors.sqr()?.sum_keepdim(1)?.sqrt()?)
}
