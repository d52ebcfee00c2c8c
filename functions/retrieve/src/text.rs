//! What is left of a document once its format is gone.

/// The readable text of a document, with its headings marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainText {
    /// The title that the document gives itself.
    pub title: Option<String>,
    /// All text, headings included, each on its own line.
    pub text: String,
    /// The headings, in order.
    pub headings: Vec<Heading>,
}

/// A heading in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The byte at which its line starts.
    pub at: usize,
    /// 1 is the outermost.
    pub level: u8,
    /// Its text.
    pub text: String,
}

/// The words of `text` with one space between them, so that it is a line.
pub fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

impl PlainText {
    /// Text without any format.
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}
