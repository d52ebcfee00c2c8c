//! What embedding takes: `make bench`. The figures of the model stand beside bare matrix products of the same run, the
//! part of it that nothing can take away.

#![expect(clippy::print_stdout, reason = "a report for the reader")]
#![expect(clippy::cast_precision_loss, reason = "counts for people")]

use std::{error::Error, hint::black_box, path::PathBuf, time::Duration};

use faer::{Accum, Mat, Par, linalg::matmul::matmul};
use retrieve::embedding::{DIMENSION, Embedder, EmbedderLimits};
use shared::{clock, deadline::Deadline};
use tokio::{runtime::Builder, time::Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// Eight words and the two tokens of the model's own.
const QUESTION: &str = "what does my plan pay for a doctor";
const LAYERS: f64 = 6.0;
const ROUNDS: usize = 200;
const PASSAGES: usize = 120;

fn main() -> Result<(), Box<dyn Error>> {
    let began = clock::now();
    let folder = PathBuf::from(std::env::var_os("MODEL_DIR").ok_or("MODEL_DIR is not set")?);
    let threads = std::thread::available_parallelism()?.get().min(2);
    let limits = EmbedderLimits {
        threads,
        queue: 8,
        bulk: threads,
        max_wait: PATIENCE,
        quantized: true,
        kept: 0,
        kept_for: Duration::ZERO,
    };
    let embedder = Embedder::load(&folder, limits)?;
    println!("model ready after {:.0} ms; resident memory {}", milliseconds(began), resident());
    Builder::new_current_thread().enable_time().build()?.block_on(report(&embedder, threads))
}

async fn report(embedder: &Embedder, threads: usize) -> Result<(), Box<dyn Error>> {
    let later = || Deadline::within(PATIENCE);
    let mut times = Vec::with_capacity(ROUNDS);
    let mut bare = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let began = clock::now();
        black_box(embedder.embed_query(later(), QUESTION).await?);
        times.push(milliseconds(began));
        bare.push(products(embedder.count_tokens(QUESTION) + 2));
    }
    let (question, products) = (median(times), median(bare));
    println!("a question of {} tokens: {question:.2} ms", embedder.count_tokens(QUESTION) + 2);
    println!("  bare products of the same size, weights in cache: {products:.2} ms, ratio {:.2}", question / products);
    let passage = "plan ".repeat(126);
    let passages = vec![passage; PASSAGES];
    embedder.embed_passages(later(), &passages[..4]).await?;
    let began = clock::now();
    black_box(embedder.embed_passages(later(), &passages).await?);
    let rate = PASSAGES as f64 / (clock::now() - began).as_secs_f64();
    println!("passages of 128 tokens on {threads} threads: {rate:.1}/s; resident memory {}", resident());
    Ok(())
}

/// The products of a forward pass of so many tokens.
fn products(tokens: usize) -> f64 {
    let states = Mat::<f32>::from_fn(tokens, DIMENSION, |row, column| (row + column) as f32 * 1e-3);
    let weights = Mat::<f32>::from_fn(DIMENSION, 12 * DIMENSION, |row, column| (row ^ column) as f32 * 1e-3);
    let mut result = Mat::<f32>::zeros(tokens, 12 * DIMENSION);
    let began = clock::now();
    matmul(result.as_mut(), Accum::Replace, states.as_ref(), weights.as_ref(), 1.0, Par::Seq);
    black_box(&result);
    milliseconds(began) * LAYERS
}

fn milliseconds(since: Instant) -> f64 {
    (clock::now() - since).as_secs_f64() * 1e3
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Of this process, where the system tells it.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}
