//! Composes an answer from the sources in a prompt: the first sentence of each, with its mark.
//!
//! Sources come fenced, `<source number="1" ..>` to `</source>`, or as a list in which a line that starts with `[1]`
//! begins a source.

const MAX_SOURCES: usize = 3;
const MAX_SENTENCE: usize = 600;
const NO_SOURCES: &str = "This is a simulated model, and it was given no sources to answer from.";

struct Source<'a> {
    number: u32,
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
    let fenced = prompt.contains("<source ");
    let begins = if fenced { fence } else { mark };
    let mut sources: Vec<Source<'_>> = Vec::new();
    let mut open = false;
    for line in prompt.lines().map(str::trim) {
        if let Some((number, rest)) = begins(line) {
            sources.push(Source { number, lines: vec![rest] });
            open = true;
        } else if line == "</source>" {
            open = false;
        } else if let Some(source) = sources.last_mut().filter(|_| open) {
            source.lines.push(line);
        }
    }
    sources
}

/// `<source number="12" title="..">` as 12; its text is on the lines that follow.
fn fence(line: &str) -> Option<(u32, &str)> {
    let (_attribute, rest) = line.strip_prefix("<source ")?.split_once("=\"")?;
    let (digits, _) = rest.split_once('"')?;
    Some((digits.parse().ok()?, ""))
}

/// `[12] text` as 12 and `text`.
fn mark(line: &str) -> Option<(u32, &str)> {
    let (digits, rest) = line.strip_prefix('[')?.split_once(']')?;
    Some((digits.parse().ok()?, rest.trim()))
}

/// The source's first sentence, or its first line when no line ends one.
fn quote(source: &Source<'_>) -> Option<String> {
    let sentence = source.lines.iter().find_map(|line| first_sentence(line));
    let first_line = || source.lines.iter().copied().find(|line| !line.is_empty());
    let text = sentence.or_else(first_line)?;
    Some(format!("{text} [{}]", source.number))
}

/// A line in which no sentence ends has none: it is a heading.
fn first_sentence(line: &str) -> Option<&str> {
    let mut stops = line.match_indices(['.', '?', '!']).map(|(at, stop)| at + stop.len());
    let end = stops.find(|&end| line[end..].is_empty() || line[end..].starts_with(' '))?;
    Some(&line[..end]).filter(|text| text.len() <= MAX_SENTENCE)
}
