//! Reads a model's answer: sentences and the `[n]` marks behind them.

use unicode_segmentation::UnicodeSegmentation;

use crate::{answer::Sentence, language::PIVOT};

/// The sentences of `text`, each with the sources (from 0, below `sources`) that its marks name.
pub fn read(text: &str, sources: usize) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = Vec::new();
    for piece in text.split_sentence_bounds() {
        // Marks behind a full stop begin the next piece, and belong to the sentence before.
        let (leading, own) = piece.split_at(leading_marks(piece));
        if let Some(last) = sentences.last_mut() {
            add(&mut last.sources, take_marks(leading, sources).1);
        }
        let (words, numbers) = take_marks(own, sources);
        if has_words(&words) {
            sentences.push(Sentence { text: words, sources: numbers, language: PIVOT.to_owned() });
        }
    }
    sentences
}

/// How much of `text` is finished: up to the last sentence bound whose marks, if any, are complete.
pub fn finished(text: &str) -> usize {
    let bounds = text.split_sentence_bound_indices().map(|(start, _)| start).filter(|start| *start > 0);
    let behind_marks = bounds.map(|start| start + leading_marks(&text[start..]));
    let next_has_begun = |end: &usize| text[*end..].chars().next().is_some_and(|first| first != '[');
    behind_marks.filter(next_has_begun).last().unwrap_or(0)
}

/// How long the marks at the beginning of `text` are, with the white space behind them.
fn leading_marks(text: &str) -> usize {
    let mut length = 0;
    while let Some((_, marked)) = mark(&text[length..]) {
        let rest = &text[length + marked..];
        length += marked + (rest.len() - rest.trim_start().len());
    }
    length
}

fn take_marks(piece: &str, sources: usize) -> (String, Vec<usize>) {
    let mut words = String::new();
    let mut numbers = Vec::new();
    let mut rest = piece;
    while let Some(open) = rest.find('[') {
        words.push_str(&rest[..open]);
        match mark(&rest[open..]) {
            Some((number, length)) => {
                add(&mut numbers, (1..=sources).contains(&number).then(|| number - 1));
                rest = &rest[open + length..];
            }
            None => {
                words.push('[');
                rest = &rest[open + 1..];
            }
        }
    }
    words.push_str(rest);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    (words.replace(" .", ".").replace(" ,", ","), numbers)
}

/// The number of a mark such as `[12]` at the beginning of `text`, and the mark's length.
fn mark(text: &str) -> Option<(usize, usize)> {
    let close = text.find(']')?;
    let number = text.strip_prefix('[')?.get(..close - 1)?;
    let digits = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| number.parse().ok().map(|number| (number, close + 1)))?
}

fn add(known: &mut Vec<usize>, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        if !known.contains(&number) {
            known.push(number);
        }
    }
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_before_or_behind_the_stop_belong_to_their_sentence() {
        let sentences = read("You pay first [1]. The plan pays later. [2][1] Ask [SSN_1] about it [9].", 2);
        let read: Vec<_> =
            sentences.iter().map(|sentence| (sentence.text.as_str(), sentence.sources.clone())).collect();
        assert_eq!(
            read,
            [("You pay first.", vec![0]), ("The plan pays later.", vec![1, 0]), ("Ask [SSN_1] about it.", vec![]),]
        );
    }

    #[test]
    fn a_sentence_is_finished_when_the_next_one_has_begun() {
        for (text, done) in
            [("You pay first", ""), ("You pay first. [1", ""), ("You pay first. [1] The", "You pay first. [1] ")]
        {
            assert_eq!(&text[..finished(text)], done, "{text}");
        }
    }
}
