//! The embedding model itself: `MODEL_DIR` names its folder.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

#[path = "../support/embedder.rs"]
mod embedder;

use std::{path::PathBuf, time::Duration};

use embedder::{PATIENCE, embedder, limits};
use retrieve::embedding::{DIMENSION, Embedder, EmbedderLimits, EmbeddingError, ModelError};
use shared::deadline::Deadline;

fn later() -> Deadline {
    Deadline::within(PATIENCE)
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Vectors of the same model by another implementation: NumPy in double precision.
const REFERENCE: &str = include_str!("reference.json");

#[tokio::test]
async fn vectors_are_those_of_the_reference() {
    let embedder = embedder();
    let reference: Vec<serde_json::Value> = serde_json::from_str(REFERENCE).unwrap();
    assert!(reference.len() > 3);
    for text in &reference {
        let expected: Vec<f32> = serde_json::from_value(text["vector"].clone()).unwrap();
        let vector = embedder.embed_query(later(), text["text"].as_str().unwrap()).await.unwrap();
        assert!(cosine(&vector, &expected) > 0.99999, "{}: {}", text["text"], cosine(&vector, &expected));
    }
}

#[tokio::test]
async fn questions_in_eight_bits_and_passages_in_twelve_are_near_the_reference() {
    let folder = PathBuf::from(std::env::var_os("MODEL_DIR").unwrap());
    let embedder = Embedder::load(&folder, EmbedderLimits { quantized: true, ..limits(1) }).unwrap();
    let reference: Vec<serde_json::Value> = serde_json::from_str(REFERENCE).unwrap();
    for text in &reference {
        let expected: Vec<f32> = serde_json::from_value(text["vector"].clone()).unwrap();
        let text = text["text"].as_str().unwrap();
        let question = cosine(&embedder.embed_query(later(), text).await.unwrap(), &expected);
        let passage = embedder.embed_passages(later(), &[text.to_owned()]).await.unwrap();
        let passage = cosine(&passage[0], &expected);
        println!("{question:.5} {passage:.7} {text}");
        assert!(question > 0.98, "{text}: {question}");
        assert!(passage > 0.9999, "{text}: {passage}");
    }
}

#[tokio::test]
async fn meaning_is_near_and_vectors_are_units() {
    let embedder = embedder();
    let question = embedder.embed_query(later(), "How much do I pay before insurance starts to pay?").await.unwrap();
    let deductible = embedder
        .embed_query(later(), "A deductible is the amount you owe before your plan begins to cover costs.")
        .await
        .unwrap();
    let football = embedder.embed_query(later(), "The goalkeeper caught the ball in the second half.").await.unwrap();
    assert_eq!(question.len(), DIMENSION);
    assert!((cosine(&question, &question) - 1.0).abs() < 1e-4);
    assert!(cosine(&question, &deductible) > cosine(&question, &football) + 0.3);
}

#[tokio::test]
async fn passages_side_by_side_keep_their_order() {
    let embedder = embedder();
    let texts: Vec<String> = (1..20).map(|n| "a copay is a fixed amount ".repeat(n)).collect();
    let together = embedder.embed_passages(later(), &texts).await.unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        let alone = embedder.embed_query(later(), text).await.unwrap();
        assert!(cosine(&alone, vector) > 0.9999, "{} bytes", text.len());
    }
}

#[tokio::test]
async fn passages_that_would_take_far_too_long_are_refused_after_the_first() {
    let texts = vec!["copay".to_owned(); 200_000];
    let refused = embedder().embed_passages(Deadline::within(Duration::from_secs(10)), &texts).await.unwrap_err();
    assert!(matches!(refused, EmbeddingError::TooMuch { percent } if percent < 67), "{refused:?}");
}

#[tokio::test]
async fn long_and_odd_texts_have_vectors_too() {
    let embedder = embedder();
    for text in ["", "\u{200b}", "😀".repeat(3_000).as_str(), "word ".repeat(5_000).as_str(), "险".repeat(900).as_str()]
    {
        let vector = embedder.embed_query(later(), text).await.unwrap();
        assert!(vector.iter().all(|number| number.is_finite()), "{} bytes", text.len());
    }
}

#[test]
fn a_missing_folder_and_a_broken_file_are_told_apart() {
    let limits = limits(1);
    let missing = Embedder::load(&PathBuf::from("/nonexistent/model"), limits).unwrap_err();
    assert!(matches!(missing, ModelError::Missing(_)));
    let folder = std::env::temp_dir().join(format!("navigator-model-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.json"), "{").unwrap();
    let broken = Embedder::load(&folder, limits).unwrap_err();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(matches!(broken, ModelError::File { .. }), "{broken}");
}
