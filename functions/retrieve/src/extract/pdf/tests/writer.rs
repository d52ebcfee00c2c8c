//! Writes PDFs, right ones and wrong ones, byte by byte.

use std::fmt::Write;

/// Objects by their number, from 1 on: the catalog, the root of the pages, a font, then what is added.
pub struct Writer {
    objects: Vec<Vec<u8>>,
    pages: Vec<usize>,
    trailer: String,
}

/// The numbers of the objects that every file has.
pub const ROOT: usize = 2;
const FONT: usize = 3;

/// `content` deflated.
pub fn packed(content: Vec<u8>) -> Vec<u8> {
    let mut stream = lopdf::Stream::new(lopdf::Dictionary::new(), content);
    stream.compress().unwrap();
    assert!(stream.dict.has(b"Filter"), "it must be long enough to become shorter");
    stream.content
}

impl Writer {
    pub fn new() -> Self {
        let font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
        Self { objects: vec![Vec::new(), Vec::new(), font.to_vec()], pages: Vec::new(), trailer: String::new() }
    }

    /// A file whose pages show these lines, twelve points apart.
    pub fn of_pages(pages: &[&[&str]]) -> Self {
        let mut writer = Self::new();
        for lines in pages {
            let mut operators = String::from("BT /F1 10 Tf 12 TL 72 700 Td ");
            for line in *lines {
                write!(operators, "({}) Tj T* ", line.replace('(', "\\(").replace(')', "\\)")).unwrap();
            }
            operators.push_str("ET");
            writer.page(operators.as_bytes());
        }
        writer
    }

    /// How many there are so far.
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    /// Adds an object and returns its number.
    pub fn add(&mut self, object: impl Into<Vec<u8>>) -> usize {
        self.objects.push(object.into());
        self.objects.len()
    }

    pub fn stream(&mut self, entries: &str, content: &[u8]) -> usize {
        let mut object = format!("<< /Length {} {entries} >>\nstream\n", content.len()).into_bytes();
        object.extend_from_slice(content);
        object.extend_from_slice(b"\nendstream");
        self.add(object)
    }

    /// A stream that `lopdf` packs.
    pub fn packed(&mut self, entries: &str, content: Vec<u8>) -> usize {
        self.stream(&format!("/Filter /FlateDecode {entries}"), &packed(content))
    }

    pub fn page(&mut self, operators: &[u8]) -> usize {
        let contents = self.stream("", operators);
        self.page_of(&format!("/Contents {contents} 0 R /Resources << /Font << /F1 {FONT} 0 R >> >>"))
    }

    pub fn page_of(&mut self, entries: &str) -> usize {
        let page = self.add(format!("<< /Type /Page /Parent {ROOT} 0 R /MediaBox [0 0 612 792] {entries} >>"));
        self.pages.push(page);
        page
    }

    pub fn info(&mut self, title: &[u8]) -> &mut Self {
        let digits: String = title.iter().map(|byte| format!("{byte:02x}")).collect();
        let info = self.add(format!("<< /Title <{digits}> >>"));
        self.trailer(&format!("/Info {info} 0 R"))
    }

    pub fn trailer(&mut self, entries: &str) -> &mut Self {
        self.trailer.push_str(entries);
        self
    }

    /// Puts something else where an object is.
    pub fn replace(&mut self, number: usize, object: &str) {
        self.objects[number - 1] = object.into();
    }

    /// The whole file.
    pub fn finish(&mut self) -> Vec<u8> {
        self.objects[0] = format!("<< /Type /Catalog /Pages {ROOT} 0 R >>").into_bytes();
        if self.objects[ROOT - 1].is_empty() {
            let kids: String = self.pages.iter().map(|page| format!("{page} 0 R ")).collect();
            self.objects[ROOT - 1] =
                format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", self.pages.len()).into_bytes();
        }
        let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", self.objects.len() + 1);
        for (number, object) in (1..).zip(&self.objects) {
            writeln!(table, "{:010} 00000 n ", file.len()).unwrap();
            file.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
            file.extend_from_slice(object);
            file.extend_from_slice(b"\nendobj\n");
        }
        let start = file.len();
        file.extend_from_slice(table.as_bytes());
        let Self { objects, trailer, .. } = self;
        let end =
            format!("trailer\n<< /Size {} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
        file.extend_from_slice(end.as_bytes());
        file
    }
}
