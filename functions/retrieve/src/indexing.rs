//! A document to passages that can be stored: cut, analysed, embedded.

use std::sync::Arc;

use shared::{contract::retrieve::Visibility, deadline::Deadline};

use crate::{
    analysis::Analyzer,
    chunker::{self, Chunk},
    document::Document,
    embedding::{Embedder, EmbeddingError},
    error::Error,
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
            terms: analyzer.terms(&text).collect(),
            vector,
        };
        parts.map(indexed).collect()
    }
}

/// Refuses what the embedder may not see: private documents do not leave our account.
pub fn admit(visibility: Visibility, embedder: &Embedder) -> Result<(), Error> {
    if visibility == Visibility::Shared || embedder.stays_here() {
        return Ok(());
    }
    let expected = "expected shared: private documents are not sent to the embedding service (EMBEDDING_URL)";
    Err(Error::invalid("visibility", expected))
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

/// Title > heading > heading, and the passage. A page whose first heading is its title says it once: the model reads 256
/// tokens.
fn in_context(title: Option<&str>, chunk: &Chunk) -> String {
    let outermost = chunk.heading.split(" > ").next();
    let title = title.filter(|&title| Some(title) != outermost).unwrap_or_default();
    let above = [title, &chunk.heading];
    let above = above.iter().filter(|line| !line.is_empty() && !chunk.text.starts_with(**line));
    above.copied().chain([chunk.text.as_str()]).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{Format, extract};

    #[test]
    fn a_passage_is_read_under_its_title_and_headings() {
        let chunk = Chunk { heading: "Appeals > Deadlines".into(), text: "Sixty days.".into(), chars: 0..11 };
        assert_eq!(in_context(Some("Your rights"), &chunk), "Your rights\nAppeals > Deadlines\nSixty days.");
        let under = |heading: &str| Chunk { heading: heading.into(), ..chunk.clone() };
        assert_eq!(in_context(Some("Sixty"), &under("")), "Sixty days.");
        assert_eq!(in_context(Some("Appeals"), &chunk), "Appeals > Deadlines\nSixty days.");
        assert_eq!(in_context(None, &under("")), "Sixty days.");
    }

    /// What is read above "Here." in a file of a format, line by line.
    fn above(format: Format, file: &str) -> String {
        let (content, _) = extract(format, file.as_bytes()).unwrap();
        let chunks = chunker::chunks(&content, chunker::LIMITS, &|text| text.split_whitespace().count());
        let chunk = chunks.iter().find(|chunk| chunk.text.contains("Here.")).unwrap();
        let text = in_context(content.title.as_deref(), chunk);
        let lines: Vec<&str> = text.strip_suffix("Here.").unwrap().lines().filter(|line| !line.is_empty()).collect();
        lines.join(" | ")
    }

    /// The last line is the passage's own heading, unless there is nothing above that.
    #[test]
    fn the_path_is_right_in_each_format_and_when_levels_are_skipped() {
        let markdown = |file| above(Format::Markdown, file);
        assert_eq!(markdown("# A\n\n## B\n\nx\n\n### C\n\nHere."), "A > B > C | C");
        assert_eq!(markdown("---\ntitle: T\n---\n# A\n\n### C\n\nHere."), "T | A > C | C");
        assert_eq!(markdown("# A\n\n### C\n\nx\n\n## B\n\nHere."), "A > B | B", "C is below B");
        assert_eq!(markdown("### C\n\nx\n\n# A\n\nHere."), "A");
        assert_eq!(markdown("# A\n\n## B\n\nx\n\n# D\n\nHere."), "A | D", "A is the title");
        assert_eq!(markdown("A\n===\n\nB `c`\n---\n\n> ### D *e*\n> Here."), "A > B c > D e | D e");
        assert_eq!(markdown("# A\n\n```\n# code\n```\n\n## B\n\n- Here."), "A > B | B");
        assert_eq!(markdown("# A\n\n##\n\nHere."), "A", "a heading that says nothing is none");
        let html = |file| above(Format::Html, file);
        assert_eq!(html("<title>T</title><h1>A</h1><p>x<h2>B</h2><h4>C</h4><p>Here."), "T | A > B > C | C");
        assert_eq!(html("<title>A</title><h1>A</h1><h3>C</h3>x<h2>B</h2>Here."), "A > B | B");
        assert_eq!(html("<h2>B</h2>x<h1>A</h1>Here."), "A");
        assert_eq!(html("<h1><a href=/>A</a></h1><nav><h2>No</h2></nav><h2>B<i> b</i></h2><p>Here."), "A > B b | B b");
        assert_eq!(above(Format::Plain, "# No heading\n\nHere."), "# No heading");
    }
}
