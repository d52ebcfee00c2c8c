//! An answer: sentences, each with the sources it rests on. Text and citation spans are made from them at the very
//! end, when nothing changes the text any more.

use shared::contract::chat::{Citation, Usage};

use crate::source::Source;

/// A cited snippet is shown, not read: this much of it is enough.
const SNIPPET_CHARACTERS: usize = 280;

/// One sentence of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its text, without marks.
    pub text: String,
    /// The sources it rests on, from 0.
    pub sources: Vec<usize>,
    /// The language it is in.
    pub language: String,
}

/// A composed answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// In reading order.
    pub sentences: Vec<Sentence>,
    /// What the chat model counted.
    pub usage: Option<Usage>,
}

impl Answer {
    /// The answer and its sources, numbered from 1 in the order in which the answer cites them.
    pub fn numbered(mut self, sources: &[Source]) -> (Self, Vec<Source>) {
        let mut cited: Vec<usize> = Vec::new();
        for number in self.sentences.iter_mut().flat_map(|sentence| &mut sentence.sources) {
            let place = cited.iter().position(|known| known == number).unwrap_or_else(|| {
                cited.push(*number);
                cited.len() - 1
            });
            *number = place;
        }
        let sources = cited.into_iter().filter_map(|number| sources.get(number).cloned()).collect();
        (self, sources)
    }
}

/// An answer's text, with spans into it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    /// Sentences with their marks, such as `You pay it first. [1]`.
    pub text: String,
    /// One for each mark; offsets are code points.
    pub citations: Vec<Citation>,
}

impl Rendered {
    /// Adds one sentence and gives back the text that it added.
    pub fn push(&mut self, sentence: &Sentence, sources: &[Source]) -> String {
        let mut added = if self.text.is_empty() { String::new() } else { " ".to_owned() };
        let start = self.text.chars().count() + added.len();
        added.push_str(&sentence.text);
        let end = start + sentence.text.chars().count();
        for number in &sentence.sources {
            let Some(source) = sources.get(*number) else { continue };
            added.push_str(&format!(" [{}]", number + 1));
            self.citations.push(citation(source, number + 1, start, end));
        }
        self.text.push_str(&added);
        added
    }
}

fn citation(source: &Source, index: usize, start: usize, end: usize) -> Citation {
    Citation {
        index,
        kind: source.kind,
        document_id: source.document_id.clone(),
        title: source.title.clone(),
        url: source.url.clone(),
        snippet: source.text.chars().take(SNIPPET_CHARACTERS).collect(),
        score: source.score,
        start,
        end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::contract::chat::CitationKind;

    fn source(title: &str) -> Source {
        Source {
            kind: CitationKind::Document,
            document_id: Some(title.to_owned()),
            title: title.to_owned(),
            url: None,
            text: "text".to_owned(),
            piece: 0,
            language: None,
            score: 1.0,
        }
    }

    fn sentence(text: &str, sources: &[usize]) -> Sentence {
        Sentence { text: text.to_owned(), sources: sources.to_vec(), language: "es".to_owned() }
    }

    #[test]
    fn spans_are_code_points_of_the_sentence_they_support() {
        let sentences = [sentence("Está cubierto.", &[0]), sentence("¿Cuánto? Él paga.", &[1, 0])];
        let mut rendered = Rendered::default();
        for sentence in &sentences {
            rendered.push(sentence, &[source("a"), source("b")]);
        }
        assert_eq!(rendered.text, "Está cubierto. [1] ¿Cuánto? Él paga. [2] [1]");
        for citation in &rendered.citations {
            let span: String = rendered.text.chars().skip(citation.start).take(citation.end - citation.start).collect();
            assert!(sentences.iter().any(|sentence| sentence.text == span), "{span}");
        }
        assert_eq!(rendered.citations.iter().map(|citation| citation.index).collect::<Vec<_>>(), [1, 2, 1]);
    }

    #[test]
    fn a_source_that_does_not_exist_is_not_cited() {
        let mut rendered = Rendered::default();
        rendered.push(&sentence("A.", &[7]), &[]);
        assert_eq!(rendered, Rendered { text: "A.".to_owned(), citations: vec![] });
    }
}
