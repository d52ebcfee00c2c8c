//! Markdown: paragraphs, lists and tables as lines, headings marked, links as their words.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::Deserialize;

use super::{ExtractError, html};
use crate::text::{Heading, PlainText};

/// What a Markdown file says about itself between the two `---` at its top.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FrontMatter {
    /// Its id in the collection.
    pub id: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// Its language.
    #[serde(alias = "lang")]
    pub language: Option<String>,
}

/// Reads a Markdown file. The title is the front matter's, else the first heading of level 1.
pub(super) fn read(source: &str) -> Result<(PlainText, FrontMatter), ExtractError> {
    let (yaml, words) = parted(source);
    let front_matter = yaml.map_or_else(|| Ok(FrontMatter::default()), front_matter)?;
    let mut page = Page::default();
    for event in Parser::new_ext(words, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        page.take(event);
    }
    let first = page.text.headings.iter().find(|heading| heading.level == 1).map(|heading| heading.text.clone());
    page.text.title = front_matter.title.clone().or(first);
    page.text.text.truncate(page.text.text.trim_end().len());
    Ok((page.text, front_matter))
}

/// The YAML between two `---` at the very top, and what is below. Further down, or with nothing right below it, a `---` is a
/// rule between paragraphs, which the parser's own option would take for front matter.
fn parted(source: &str) -> (Option<&str>, &str) {
    let is_rule = |line: &str| line.trim_end() == "---";
    let mut lines = source.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| is_rule(line)) else { return (None, source) };
    let mut end = first.len();
    for line in lines {
        if is_rule(line) {
            return (Some(&source[first.len()..end]), &source[end + line.len()..]);
        }
        if end == first.len() && line.trim().is_empty() {
            break;
        }
        end += line.len();
    }
    (None, source)
}

fn front_matter(yaml: &str) -> Result<FrontMatter, ExtractError> {
    if yaml.is_empty() {
        return Ok(FrontMatter::default());
    }
    serde_saphyr::from_str(yaml).map_err(|_| ExtractError::FrontMatter)
}

#[derive(Default)]
struct Page {
    text: PlainText,
    html: Option<String>,
    heading: Option<(usize, u8)>,
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => self.heading = Some((self.text.text.len(), depth(level))),
            Event::End(TagEnd::Heading(_)) => self.close_heading(),
            Event::Start(Tag::HtmlBlock) => self.html = Some(String::new()),
            Event::Html(html) => self.html.get_or_insert_default().push_str(&html),
            Event::End(TagEnd::HtmlBlock) => self.add_html(),
            Event::InlineHtml(tag) if is_line_break(&tag) => self.text.text.push('\n'),
            Event::Text(text) | Event::Code(text) => self.text.text.push_str(&text),
            Event::SoftBreak => self.text.text.push(' '),
            Event::HardBreak | Event::End(TagEnd::Item | TagEnd::TableRow | TagEnd::TableHead) => {
                self.text.text.push('\n');
            }
            Event::End(TagEnd::TableCell) => self.text.text.push_str(" | "),
            Event::End(TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::List(_) | TagEnd::Table) => {
                self.text.text.push('\n');
            }
            _ => {}
        }
    }

    fn close_heading(&mut self) {
        let Some((at, level)) = self.heading.take() else { return };
        let text = self.text.text[at..].split_whitespace().collect::<Vec<_>>().join(" ");
        self.text.text.push('\n');
        if !text.is_empty() {
            self.text.headings.push(Heading { at, level, text });
        }
    }

    /// A page in a page: its words and headings are those of this one.
    fn add_html(&mut self) {
        let Some(html) = self.html.take() else { return };
        let PlainText { text, headings, .. } = html::read(&html);
        let start = self.text.text.len();
        self.text.headings.extend(headings.into_iter().map(|heading| Heading { at: start + heading.at, ..heading }));
        self.text.text.push_str(&text);
        self.text.text.extend((!text.is_empty()).then_some('\n'));
    }
}

fn is_line_break(tag: &str) -> bool {
    tag.get(..3).is_some_and(|name| name.eq_ignore_ascii_case("<br"))
}

fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_headings_and_words_are_found() {
        let source = "---\nid: appeals\ntitle: Appeals\nlang: en\n---\n# How to appeal\n\nSend the [form](https://a.example).\n\
                      \n## Deadlines\n\n- sixty *days*\n- no later\n";
        let (page, front_matter) = read(source).unwrap();
        assert_eq!(front_matter.id.as_deref(), Some("appeals"));
        assert_eq!(front_matter.language.as_deref(), Some("en"));
        assert_eq!(page.title.as_deref(), Some("Appeals"));
        assert_eq!(page.text, "How to appeal\nSend the form.\nDeadlines\nsixty days\nno later");
        let headings: Vec<_> = page.headings.iter().map(|h| (h.level, &page.text[h.at..h.at + 4])).collect();
        assert_eq!(headings, [(1, "How "), (2, "Dead")]);
    }

    #[test]
    fn tables_keep_their_rows() {
        let (page, _) = read("| Plan | Cost |\n|---|---|\n| Gold | 20 |\n").unwrap();
        assert_eq!(page.text, "Plan | Cost | \nGold | 20 |");
    }

    #[test]
    fn html_in_it_is_read_as_html() {
        let source =
            "Before.\n\n<div class=x>\n<h2>Costs</h2>\n<p>None&nbsp;at all.</p>\n</div>\n\n# After\n\nA<br>B <b>c</b>";
        let (page, _) = read(source).unwrap();
        assert_eq!(page.text, "Before.\nCosts\nNone at all.\nAfter\nA\nB c");
        let headings: Vec<_> =
            page.headings.iter().map(|h| (h.level, &page.text[h.at..h.at + 5], h.text.as_str())).collect();
        assert_eq!(headings, [(2, "Costs", "Costs"), (1, "After", "After")]);
    }

    #[test]
    fn rules_between_paragraphs_are_no_front_matter() {
        let words = |source: &str| {
            let (page, front_matter) = read(source).unwrap();
            assert_eq!(front_matter, FrontMatter::default(), "{source:?}");
            page.text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            words("# Plan\n\n---\nCopay: $20.\nDeductible: $500.\n\n---\n\nMore."),
            "Plan Copay: $20. Deductible: $500. More."
        );
        assert_eq!(words("---\n\nCopay: $20.\n\n---\n\nMore."), "Copay: $20. More.");
        assert_eq!(words("---\ntitle: it never ends"), "title: it never ends");
        assert_eq!(words("---\n---\nMore."), "More.");
    }

    #[test]
    fn front_matter_ends_lines_as_windows_does() {
        let (page, front_matter) = read("---\r\ntitle: Appeals\r\n---\r\nWords.\r\n").unwrap();
        assert_eq!((front_matter.title.as_deref(), page.text.as_str()), (Some("Appeals"), "Words."));
    }

    #[test]
    fn a_heading_is_one_line_whatever_is_in_it() {
        let (page, _) = read("# Gold\tPlan<br>2026\n\nWords.").unwrap();
        assert_eq!(page.title.as_deref(), Some("Gold Plan 2026"));
    }

    #[test]
    fn front_matter_of_another_form_is_refused() {
        assert_eq!(read("---\n- a list\n---\ntext").unwrap_err(), ExtractError::FrontMatter);
    }
}
