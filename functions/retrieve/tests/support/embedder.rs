//! The embedding model of `MODEL_DIR`.

use std::{path::PathBuf, time::Duration};

use retrieve::embedding::{Embedder, EmbedderLimits};

/// Far more than any computation of a test takes.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub fn embedder() -> Embedder {
    let folder = std::env::var_os("MODEL_DIR")
        .unwrap_or_else(|| panic!("MODEL_DIR is not set: this test needs the embedding model"));
    Embedder::load(&PathBuf::from(folder), limits(2)).unwrap()
}

/// For so many threads.
pub fn limits(threads: usize) -> EmbedderLimits {
    EmbedderLimits {
        threads,
        queue: 64,
        bulk: threads,
        max_wait: PATIENCE,
        quantized: false,
        kept: 8,
        kept_for: PATIENCE,
    }
}
