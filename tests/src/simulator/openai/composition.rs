//! Composes an answer from the sources in a prompt: the first sentence of each, with its mark.
//!
//! A source begins at a line that starts with its mark, `[1] ...`, and ends where the next one begins.

const MAX_SOURCES: usize = 3;
const MAX_SENTENCE: usize = 400;
const NO_SOURCES: &str = "This is a simulated model, and it was given no sources to answer from.";

struct Source<'a> {
    mark: u32,
    lines: Vec<&'a str>,
}

/// E.g. `A deductible is what you pay first. [1] A copay is a fixed amount. [2]`.
pub(super) fn answer(prompt: &str) -> String {
    let quotes: Vec<_> = sources(prompt).iter().filter_map(quote).take(MAX_SOURCES).collect();
    if quotes.is_empty() {
        return NO_SOURCES.to_owned();
    }
    quotes.join(" ")
}

fn sources(prompt: &str) -> Vec<Source<'_>> {
    let mut sources: Vec<Source<'_>> = Vec::new();
    for line in prompt.lines().map(str::trim) {
        match (marked(line), sources.last_mut()) {
            (Some((mark, rest)), _) => sources.push(Source {
                mark,
                lines: vec![rest],
            }),
            (None, Some(source)) => source.lines.push(line),
            (None, None) => {}
        }
    }
    sources
}

/// `[12] text` as 12 and `text`.
fn marked(line: &str) -> Option<(u32, &str)> {
    let (digits, rest) = line.strip_prefix('[')?.split_once(']')?;
    Some((digits.parse().ok()?, rest.trim()))
}

fn quote(source: &Source<'_>) -> Option<String> {
    let sentence = source.lines.iter().find_map(|line| sentence(line));
    let fallback = || source.lines.iter().copied().find(|line| !line.is_empty());
    let text = sentence.or_else(fallback)?;
    Some(format!("{text} [{}]", source.mark))
}

/// The first sentence of a line, without a heading before a colon-free title: a line that ends no sentence has none.
fn sentence(line: &str) -> Option<&str> {
    let end = line
        .match_indices(['.', '?', '!'])
        .map(|(at, stop)| at + stop.len())
        .find(|&end| line[end..].is_empty() || line[end..].starts_with(' '))?;
    Some(&line[..end]).filter(|text| text.len() <= MAX_SENTENCE)
}
