//! A document to passages that can be stored: cut, analysed, embedded.

use std::sync::Arc;

use shared::deadline::Deadline;

use crate::{
    analysis::Analyzer,
    chunker::{self, Chunk},
    document::Document,
    embedding::{Embedder, EmbeddingError},
    store::IndexedChunk,
};

/// A document that was cut and waits for its embeddings.
#[derive(Clone, Debug)]
pub struct Passages {
    /// The passages, in order.
    chunks: Vec<Chunk>,
    /// What is analysed and embedded for each: the title and the headings say what a passage out of the middle is
    /// about.
    pub texts: Vec<String>,
}

impl Passages {
    /// Cuts `document`; `embedder` counts the tokens. Computes for milliseconds to seconds.
    fn of(document: &Document, embedder: &Embedder) -> Self {
        let chunks = chunker::chunks(&document.content, chunker::LIMITS, &|text| embedder.count_tokens(text));
        let texts = chunks.iter().map(|chunk| in_context(document.title.as_deref(), chunk)).collect();
        Self { chunks, texts }
    }

    /// Joins the passages with their `vectors`.
    fn indexed(self, language: &str, vectors: Vec<Vec<f32>>) -> Vec<IndexedChunk> {
        let analyzer = Analyzer::of(language);
        let parts = self.chunks.into_iter().zip(self.texts).zip(vectors);
        let indexed = |((chunk, text), vector): ((Chunk, String), _)| IndexedChunk {
            chunk,
            terms: analyzer.frequencies(&text),
            vector,
        };
        parts.map(indexed).collect()
    }
}

/// Cuts, embeds and analyses `document`, all on the embedder's threads.
pub async fn index(
    deadline: Deadline,
    document: &Arc<Document>,
    embedder: &Embedder,
) -> Result<Vec<IndexedChunk>, EmbeddingError> {
    let passages = cut(deadline, document, embedder).await?;
    let vectors = embedder.embed_passages(deadline, &passages.texts).await?;
    analyzed(deadline, document, passages, vectors, embedder).await
}

/// The first step: cuts `document`.
pub async fn cut(
    deadline: Deadline,
    document: &Arc<Document>,
    embedder: &Embedder,
) -> Result<Passages, EmbeddingError> {
    let (document, counter) = (Arc::clone(document), embedder.clone());
    embedder.compute(deadline, move || Passages::of(&document, &counter)).await
}

/// The last step: joins the passages with their vectors and terms.
pub async fn analyzed(
    deadline: Deadline,
    document: &Arc<Document>,
    passages: Passages,
    vectors: Vec<Vec<f32>>,
    embedder: &Embedder,
) -> Result<Vec<IndexedChunk>, EmbeddingError> {
    let document = Arc::clone(document);
    embedder.compute(deadline, move || passages.indexed(&document.language, vectors)).await
}

fn in_context(title: Option<&str>, chunk: &Chunk) -> String {
    let above = [title.unwrap_or_default(), &chunk.heading];
    let above = above.iter().filter(|line| !line.is_empty() && !chunk.text.starts_with(**line));
    above.copied().chain([chunk.text.as_str()]).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_is_read_under_its_title_and_headings() {
        let chunk = Chunk { heading: "Appeals > Deadlines".into(), text: "Sixty days.".into(), chars: 0..11 };
        assert_eq!(in_context(Some("Your rights"), &chunk), "Your rights\nAppeals > Deadlines\nSixty days.");
        assert_eq!(in_context(Some("Sixty"), &Chunk { heading: String::new(), ..chunk }), "Sixty days.");
    }
}
