//! Writes the answer from the sources: by a chat model when one is configured and answers in time with citations, else
//! from the best sentences of the sources themselves.

pub mod extractive;
pub mod marks;
pub mod model;
pub mod sentences;
pub mod terms;

use shared::{contract::Degradation, deadline::Deadline, model::ChatModel};

use crate::{
    answer::{Answer, Sentence},
    language::PIVOT,
    source::Source,
};

/// What is asked, for the composer.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The question in English, masked.
    pub query: &'a str,
    /// The question as asked, masked, and its language, when that was not English.
    pub original: Option<(&'a str, &'a str)>,
    /// The sources, numbered by their place.
    pub sources: &'a [Source],
}

/// Said when the sources hold nothing that fits.
const NOTHING_FOUND: &str =
    "I could not find an answer to this in the plan documents. Please ask in other words, or call member services.";

/// The answer, and what had to be left out on the way. `reserved` by the caller is already taken off `deadline`.
pub async fn compose(model: Option<&ChatModel>, deadline: Deadline, task: Task<'_>) -> (Answer, Option<Degradation>) {
    let Some(model) = model.filter(|_| !task.sources.is_empty()) else { return (from_sentences(task), None) };
    match model::answer(model, deadline, task).await {
        Ok(answer) => (answer, None),
        Err(reason) => (
            from_sentences(task),
            Some(Degradation::because("compose", reason, "composed from the documents' own sentences")),
        ),
    }
}

/// The best sentences of the sources, or that there are none.
pub fn from_sentences(task: Task<'_>) -> Answer {
    let sentences = extractive::best(task);
    let nothing = || vec![Sentence { text: NOTHING_FOUND.to_owned(), sources: vec![], language: PIVOT.to_owned() }];
    Answer { sentences: if sentences.is_empty() { nothing() } else { sentences }, usage: None }
}
