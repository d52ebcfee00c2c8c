//! The sentence encoder all-MiniLM-L6-v2 (or another BERT of its width): forward pass, mean over tokens, unit length, as
//! its authors define it.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};
use tokenizers::{Encoding, Tokenizer, TruncationParams};

use super::{
    encoder::Encoder,
    quantized::{Digits, Vnni},
    weights::{Config, Weights, at_once},
};

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
    config: Config,
    weights: Weights,
    /// Of `config.json` and `tokenizer.json`.
    described: Sha256,
    questions: Arc<Encoder>,
    /// Where questions have one of their own, it is built for the first passages: it is larger, and most processes never see one.
    passages: Mutex<Option<Arc<Encoder>>>,
}

impl Model {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors`. Texts are computed with the weights as they were trained, or
    /// `quantized`, where the processor has instructions for it: questions to eight bits, passages to twelve.
    pub(super) fn load(folder: &Path, quantized: bool) -> Result<Self, ModelError> {
        if !folder.is_dir() {
            return Err(ModelError::Missing(folder.display().to_string()));
        }
        let config = read(folder, "config.json")?;
        let tokens = read(folder, "tokenizer.json")?;
        let described = Sha256::new().chain_update(&config).chain_update(&tokens);
        let config = parsed(&config)?;
        let refused = |cause| ModelError::File { file: "model.safetensors", cause };
        let weights = Weights::open(&folder.join("model.safetensors")).map_err(refused)?;
        let name = name(&described, &weights).map_err(refused)?;
        let vnni = Vnni::detected(Digits::Eight).filter(|_| quantized);
        let (encoder, tokenizer) = at_once(|| weights.encoder(&config, vnni), || tokenizer(&tokens, &config));
        let questions = Arc::new(encoder.map_err(refused)?);
        let passages = Mutex::new(vnni.is_none().then(|| Arc::clone(&questions)));
        Ok(Self { name, tokenizer: tokenizer?, config, weights, described, questions, passages })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn count_tokens(&self, text: &str) -> usize {
        // Without truncation a count costs as much as the text is long; beyond the model's reach it does not matter.
        self.tokenizer.encode_fast(text, false).map_or(usize::MAX, |encoding| encoding.len())
    }

    /// The unit vector of a question.
    pub(super) fn question(&self, text: &str) -> Result<Vec<f32>, tokenizers::Error> {
        Ok(self.embed(&self.questions, &[text])?.remove(0))
    }

    /// The unit vectors of passages.
    pub(super) fn passages(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, tokenizers::Error> {
        self.embed(self.for_passages()?.as_ref(), texts)
    }

    /// Whoever comes meanwhile waits until it is built, some 40 ms.
    fn for_passages(&self) -> Result<Arc<Encoder>, String> {
        let mut passages = self.passages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encoder) = passages.as_ref() {
            return Ok(Arc::clone(encoder));
        }
        if name(&self.described, &self.weights)? != self.name {
            return Err("model.safetensors was written over".to_owned());
        }
        let encoder = Arc::new(self.weights.encoder(&self.config, Vnni::detected(Digits::Twelve))?);
        Ok(Arc::clone(passages.insert(encoder)))
    }

    fn embed<T: AsRef<str>>(&self, encoder: &Encoder, texts: &[T]) -> Result<Vec<Vec<f32>>, tokenizers::Error> {
        let encoded = texts.iter().map(|text| self.tokenizer.encode_fast(text.as_ref(), true));
        let encoded = encoded.collect::<Result<Vec<_>, _>>()?;
        let tokens: Vec<&[u32]> = encoded.iter().map(Encoding::get_ids).collect();
        let states = encoder.states(&tokens)?;
        let mut states = states.chunks_exact(DIMENSION);
        Ok(tokens.iter().map(|tokens| direction(states.by_ref().take(tokens.len()))).collect())
    }
}

/// The unit vector of the mean of `states`.
fn direction<'a>(states: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sum = vec![0.0; DIMENSION];
    states.for_each(|state| sum.iter_mut().zip(state).for_each(|(sum, value)| *sum += value));
    // The length of the mean is no matter: only its direction stays.
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    sum.into_iter().map(|value| value / length).collect()
}

fn read(folder: &Path, file: &'static str) -> Result<Vec<u8>, ModelError> {
    std::fs::read(folder.join(file)).map_err(|error| ModelError::File { file, cause: error.to_string() })
}

fn parsed(config: &[u8]) -> Result<Config, ModelError> {
    let refused = |cause: String| ModelError::File { file: "config.json", cause };
    let config: Config = serde_json::from_slice(config).map_err(|error| refused(error.to_string()))?;
    if config.hidden_size != DIMENSION {
        return Err(ModelError::Dimension(config.hidden_size));
    }
    config.check().map_err(refused)?;
    Ok(config)
}

/// Stored with every vector. Another file has another name.
fn name(described: &Sha256, weights: &Weights) -> Result<String, String> {
    let mut digest = described.clone();
    weights.sampled(&mut digest)?;
    let hex: String = digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("bert-{DIMENSION}-{hex}"))
}

fn tokenizer(json: &[u8], config: &Config) -> Result<Tokenizer, ModelError> {
    let refused = |cause: tokenizers::Error| ModelError::File { file: "tokenizer.json", cause: cause.to_string() };
    let Config { vocab_size, max_position_embeddings, .. } = *config;
    let mut tokenizer = Tokenizer::from_bytes(json).map_err(refused)?;
    if tokenizer.get_vocab_size(true) > vocab_size {
        return Err(refused("it knows more tokens than the model".into()));
    }
    let truncation =
        TruncationParams { max_length: MAX_TOKENS.min(max_position_embeddings), ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation)).map_err(refused)?;
    tokenizer.with_padding(None);
    Ok(tokenizer)
}
