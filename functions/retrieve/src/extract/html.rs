//! HTML: the words of a page in reading order, headings marked, without scripts, styles and navigation.
//!
//! A tokenizer is enough and a tree is not wanted: memory stays linear in the page and deep nesting costs nothing.

use html5gum::{DefaultEmitter, EndTag, StartTag, Token, Tokenizer};

use crate::text::{Heading, PlainText};

/// What these elements hold is not for readers, or is the same on every page.
const SKIPPED: [&[u8]; 7] = [b"script", b"style", b"noscript", b"template", b"svg", b"nav", b"iframe"];
/// These end a line.
#[rustfmt::skip]
const BLOCKS: [&[u8]; 37] = [
    b"address", b"article", b"aside", b"blockquote", b"body", b"br", b"button", b"caption", b"dd", b"details", b"dialog",
    b"div", b"dl", b"dt", b"fieldset", b"figcaption", b"figure", b"footer", b"form", b"header", b"hgroup", b"hr",
    b"label", b"legend", b"li", b"main", b"ol", b"option", b"p", b"pre", b"section", b"summary", b"table", b"td", b"th",
    b"tr", b"ul",
];
/// A heading that nobody closes ends with the next one. Longer than this, it is the page that follows it.
const LONGEST_OPEN_HEADING: usize = 200;

/// Reads a page.
pub(super) fn read(source: &str) -> PlainText {
    let mut page = Page::default();
    let mut emitter = DefaultEmitter::default();
    // A script is not markup: what looks like a tag in it is none.
    emitter.naively_switch_states(true);
    for Ok(token) in Tokenizer::new_with_emitter(source, emitter) {
        match token {
            Token::StartTag(tag) => page.open(&tag),
            Token::EndTag(tag) => page.close(&tag),
            Token::String(words) => page.words(&String::from_utf8_lossy(&words)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.end_open_heading();
    page.text.text.truncate(page.text.text.trim_end().len());
    page.text
}

#[derive(Default)]
struct Page {
    text: PlainText,
    /// The skipped element that is open, and how many of its name are open in each other.
    skipped: Option<(Vec<u8>, usize)>,
    heading: Option<(usize, u8)>,
    in_title: bool,
}

impl Page {
    fn open(&mut self, tag: &StartTag<()>) {
        if let Some((name, depth)) = &mut self.skipped {
            *depth += usize::from(name == tag.name.as_slice());
            return;
        }
        if SKIPPED.contains(&tag.name.as_slice()) && !tag.self_closing {
            self.skipped = Some((tag.name.to_vec(), 1));
        } else if tag.name.as_slice() == b"title" {
            self.in_title = true;
        } else if let Some(level) = heading_level(&tag.name) {
            self.end_open_heading();
            self.end_line();
            self.heading = Some((self.text.text.len(), level));
        } else if BLOCKS.contains(&tag.name.as_slice()) {
            self.end_line();
        }
    }

    fn close(&mut self, tag: &EndTag<()>) {
        if let Some((name, depth)) = &mut self.skipped {
            *depth -= usize::from(name == tag.name.as_slice());
            if *depth == 0 {
                self.skipped = None;
            }
        } else if tag.name.as_slice() == b"title" {
            self.in_title = false;
        } else if heading_level(&tag.name).is_some() {
            self.close_heading();
        } else if BLOCKS.contains(&tag.name.as_slice()) {
            self.end_line();
        }
    }

    fn words(&mut self, words: &str) {
        if self.skipped.is_some() {
            return;
        }
        let line = if self.in_title { self.text.title.get_or_insert_default() } else { &mut self.text.text };
        for (nth, word) in words.split(char::is_whitespace).enumerate() {
            let apart = nth > 0 && !line.is_empty() && !line.ends_with(char::is_whitespace);
            line.extend(apart.then_some(' '));
            line.push_str(word);
        }
    }

    fn end_line(&mut self) {
        let kept = self.text.text.trim_end_matches(' ').len();
        self.text.text.truncate(kept);
        if !self.text.text.is_empty() && !self.text.text.ends_with('\n') {
            self.text.text.push('\n');
        }
    }

    fn end_open_heading(&mut self) {
        if self.heading.is_some_and(|(at, _)| self.text.text.len() - at <= LONGEST_OPEN_HEADING) {
            self.close_heading();
        }
        self.heading = None;
    }

    fn close_heading(&mut self) {
        let Some((at, level)) = self.heading.take() else { return };
        let text = self.text.text[at..].split_whitespace().collect::<Vec<_>>().join(" ");
        self.end_line();
        if !text.is_empty() {
            self.text.headings.push(Heading { at, level, text });
        }
    }
}

fn heading_level(name: &[u8]) -> Option<u8> {
    match name {
        [b'h', digit @ b'1'..=b'6'] => Some(digit - b'0'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_headings_and_title_remain() {
        let page = read(
            "<!doctype html><title>Appeals &amp; more</title><style>p{}</style><nav><a href=/>Home</a></nav>\
             <h1>How to\n appeal</h1><p>Send the <b>form</b>.<br>Keep a&nbsp;copy.</p><script>var p = '<p>no';</script>\
             <h2>Deadlines</h2><ul><li>60 days<li>no later</ul>",
        );
        assert_eq!(page.title.as_deref(), Some("Appeals & more"));
        assert_eq!(page.text, "How to appeal\nSend the form.\nKeep a copy.\nDeadlines\n60 days\nno later");
        let headings: Vec<_> = page.headings.iter().map(|h| (h.level, &page.text[h.at..h.at + 4])).collect();
        assert_eq!(headings, [(1, "How "), (2, "Dead")]);
    }

    #[test]
    fn an_open_heading_ends_with_the_next_unless_it_is_the_page() {
        let page = read("<h1>One<div>two</div><h2>Three");
        assert_eq!(page.text, "One\ntwo\nThree");
        let headings = |page: &PlainText| page.headings.iter().map(|it| (it.at, it.text.clone())).collect::<Vec<_>>();
        assert_eq!(headings(&page), [(0, "One two".to_owned()), (8, "Three".to_owned())]);
        let page = read(&format!("<h1>Title<p>{}<h2>Next</h2>", "words ".repeat(50)));
        assert_eq!(headings(&page), [(page.text.len() - 4, "Next".to_owned())]);
    }

    #[test]
    fn cells_and_questions_stand_apart() {
        let page =
            read("<table><tr><th>Plan</th><th>Cost</th></tr></table><details><summary>Why?</summary>So.</details>");
        assert_eq!(page.text, "Plan\nCost\nWhy?\nSo.");
    }

    #[test]
    fn deep_nesting_is_harmless() {
        assert_eq!(read(&format!("{}deep", "<div>".repeat(200_000))).text, "deep");
    }
}
