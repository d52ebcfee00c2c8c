//! A passage as sentences that can stand alone: Markdown marks, headings and fragments taken out.

use unicode_segmentation::UnicodeSegmentation;

/// Shorter ones are headings or crumbs; longer ones are tables or run-on text.
const CHARACTERS: std::ops::RangeInclusive<usize> = 25..=500;
/// Words that end in a point without ending a sentence.
const ABBREVIATIONS: [&str; 14] =
    ["U.S.", "e.g.", "i.e.", "etc.", "vs.", "Dr.", "Dra.", "Mr.", "Mrs.", "Ms.", "Sr.", "Sra.", "EE. UU.", "No."];

/// The sentences of `passage`, in order.
pub fn split(passage: &str) -> Vec<String> {
    blocks(passage).iter().flat_map(|block| split_block(block)).filter(|text| is_sentence(text)).collect()
}

/// Lines joined to paragraphs; a heading or a list item is its own.
fn blocks(passage: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in passage.lines() {
        let line = line.trim();
        let item = line.trim_start_matches(['#', '-', '*', '>', '•', '|']).trim_start();
        let begins = item.len() != line.len() || line.is_empty();
        if begins {
            blocks.push(String::new());
        }
        if let Some(block) = blocks.last_mut() {
            block.push(' ');
            block.push_str(item);
        }
        if line.starts_with('#') {
            blocks.push(String::new());
        }
    }
    blocks.iter().map(|block| plain(block)).collect()
}

fn plain(block: &str) -> String {
    let unmarked = block.replace("**", "").replace("__", "").replace('`', "");
    unmarked.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn split_block(block: &str) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for piece in block.split_sentence_bounds() {
        match sentences.last_mut() {
            Some(last) if ABBREVIATIONS.iter().any(|word| last.trim_end().ends_with(word)) => last.push_str(piece),
            _ => sentences.push(piece.to_owned()),
        }
    }
    sentences.iter().map(|sentence| sentence.trim().to_owned()).collect()
}

fn is_sentence(text: &str) -> bool {
    CHARACTERS.contains(&text.chars().count())
        && text.ends_with(['.', '!', '?', '。', ':', ';', '"', ')'])
        && !text.ends_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_marks_and_fragments_are_left_out() {
        let passage = "# Deductible\n\nA **deductible** is what you pay first\nbefore the plan pays. It resets each year, as a rule.\n\n- Copays often count separately from it.\n- Or not";
        assert_eq!(
            split(passage),
            [
                "A deductible is what you pay first before the plan pays.",
                "It resets each year, as a rule.",
                "Copays often count separately from it.",
            ]
        );
    }

    #[test]
    fn abbreviations_do_not_end_a_sentence() {
        assert_eq!(split("You may see Dr. Smith outside the U.S. Department of Labor office.").len(), 1);
    }
}
