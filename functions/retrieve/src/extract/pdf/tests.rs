//! Files that are right: what is read of them. `hostile` has those that are not.

mod hostile;
mod writer;

use writer::Writer;

use super::is_title;
use crate::{
    extract::{ExtractError, Format, extract},
    text::PlainText,
};

/// As everybody reads files: a file that goes out of bounds unwinds.
fn read(file: &[u8]) -> Result<PlainText, ExtractError> {
    extract(Format::Pdf, file).map(|(text, _)| text)
}

fn text(file: &[u8]) -> String {
    read(file).unwrap().text
}

#[test]
fn pages_are_read_in_their_order_and_lines_become_paragraphs() {
    let file = Writer::of_pages(&[
        &[
            "The plan pays for visits to doctors in",
            "its network after you have met the de-",
            "ductible \\(if any\\). ",
        ],
        &["Second page."],
    ])
    .finish();
    let expected =
        "The plan pays for visits to doctors in its network after you have met the deductible (if any).\nSecond page.";
    assert_eq!(text(&file).replace('\\', ""), expected);
}

#[test]
fn the_title_is_the_files_own_unless_a_program_made_it_up() {
    let titled = |title: &[u8]| read(Writer::of_pages(&[&["Words."]]).info(title).finish().as_slice()).unwrap().title;
    assert_eq!(titled(b"Your  rights\n").as_deref(), Some("Your rights"));
    assert_eq!(titled(b"\xfe\xff\x00P\x00l\x00\xe1\x00n").as_deref(), Some("Plán"));
    for made_up in ["", "-", "Untitled", "Microsoft Word - plan.docx", "plan_2026.pdf", "PowerPoint Presentation"] {
        assert!(!is_title(made_up), "{made_up}");
    }
    assert_eq!(titled(b"untitled"), None);
}

#[test]
fn larger_letters_are_headings_and_the_largest_the_title() {
    let mut writer = Writer::new();
    writer.page(
        b"BT /F1 20 Tf 72 700 Td (Appeals) Tj /F1 10 Tf 0 -30 Td (You may appeal against all of it.) Tj \
          /F1 14 Tf 0 -30 Td (Deadlines) Tj /F1 10 Tf 0 -20 Td (Sixty days.) Tj ET",
    );
    let read = read(&writer.finish()).unwrap();
    assert_eq!(read.text, "Appeals\nYou may appeal against all of it.\nDeadlines\nSixty days.");
    let headings: Vec<_> = read.headings.iter().map(|heading| (heading.level, heading.text.as_str())).collect();
    assert_eq!(
        (headings.as_slice(), read.title.as_deref()),
        (&[(1, "Appeals"), (2, "Deadlines")][..], Some("Appeals"))
    );
}

#[test]
fn codes_of_a_subset_font_are_read_by_its_table() {
    let mut writer = Writer::new();
    let table = writer.packed(
        "",
        b"1 begincodespacerange <0000> <ffff> endcodespacerange 2 beginbfrange <0001> <0003> <0061> \
          <0004> <0005> [<00660069> <0020>] endbfrange                                     "
            .to_vec(),
    );
    let descendant = writer.add("<< /Type /Font /Subtype /CIDFontType2 /DW 500 /W [1 [600 600] 3 5 400] >>");
    let font = writer.add(format!(
        "<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /DescendantFonts [{descendant} 0 R] /ToUnicode {table} 0 R >>"
    ));
    let contents =
        writer.packed("", b"BT /F2 10 Tf 72 700 Td [<00010002> -20 <0003> -400 <00040001>] TJ ET                                                                 ".to_vec());
    writer.page_of(&format!("/Contents [{contents} 0 R] /Resources << /Font << /F2 {font} 0 R >> >>"));
    assert_eq!(text(&writer.finish()), "abc fia");
}

#[test]
fn names_of_glyphs_and_encodings_are_letters() {
    let mut writer = Writer::new();
    let font = writer.add(
        "<< /Type /Font /Subtype /Type1 /Encoding << /BaseEncoding /WinAnsiEncoding \
         /Differences [65 /eacute /uni00F1 /g77 /fi] >> >>",
    );
    let contents = writer.stream("", b"BT /F2 10 Tf 72 700 Td (ABD\xfcz.) Tj ET");
    writer.page_of(&format!("/Contents {contents} 0 R /Resources << /Font << /F2 {font} 0 R >> >>"));
    assert_eq!(text(&writer.finish()), "éñfiüz.");
}

#[test]
fn forms_and_inherited_resources_are_followed_and_pictures_are_not() {
    let mut writer = Writer::new();
    let form = writer
        .stream("/Type /XObject /Subtype /Form /Matrix [1 0 0 1 0 -100]", b"BT /F1 10 Tf 72 700 Td (In a form.) Tj ET");
    let contents = writer.stream(
        "",
        b"BT /F1 10 Tf 72 700 Td (Before.) Tj ET q 9 0 0 9 0 0 cm BI /W 4 /H 4 /BPC 8 /CS /G /F /AHx ID 00ff> EI Q \
          BT /F1 10 Tf 72 680 Td (See BI or ID.) Tj ET /Form Do",
    );
    writer.page_of(&format!("/Contents {contents} 0 R"));
    let page = 6;
    writer.replace(
        writer::ROOT,
        &format!(
            "<< /Type /Pages /Count 1 /Kids [{page} 0 R] /Resources << /Font << /F1 3 0 R >> /XObject << /Form {form} 0 R >> >> >>"
        ),
    );
    assert_eq!(text(&writer.finish()), "Before.\nSee BI or ID.\nIn a form.");
}

#[test]
fn objects_within_streams_are_found() {
    let mut document = lopdf::Document::load_mem(&Writer::of_pages(&[&["Packed objects."]]).finish()).unwrap();
    let mut file = Vec::new();
    document.save_modern(&mut file).unwrap();
    assert!(file.windows(6).any(|window| window == b"ObjStm"));
    assert_eq!(text(&file), "Packed objects.");
}

#[test]
fn text_that_runs_up_the_page_is_read_too() {
    let mut writer = Writer::new();
    writer.page(b"BT /F1 10 Tf 0 1 -1 0 100 100 Tm (Upwards we) Tj 0 1 -1 0 112 100 Tm (go on.) Tj ET");
    assert_eq!(text(&writer.finish()), "Upwards we go on.");
}
