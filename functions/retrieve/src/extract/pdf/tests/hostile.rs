//! Files that are wrong: each has its name, none costs more than itself.

use super::{
    super::MAX_PAGES,
    ExtractError, Writer, read,
    writer::{self, packed},
};

/// Truncations and flips each. Every one is read in milliseconds.
const ROUNDS: usize = 300;

fn refusal(file: &[u8]) -> ExtractError {
    read(file).unwrap_err()
}

fn sample() -> Vec<u8> {
    let mut writer =
        Writer::of_pages(&[&["The first page has some words,", "and so has its second line."], &["The last page."]]);
    writer.info(b"A sample");
    let packed = writer.packed("", [vec![b' '; 512], b"BT /F1 10 Tf 72 700 Td (Packed.) Tj ET".to_vec()].concat());
    writer.page_of(&format!("/Contents {packed} 0 R /Resources << /Font << /F1 3 0 R >> >>"));
    writer.finish()
}

#[test]
fn what_is_no_pdf_is_corrupt() {
    for file in [&b""[..], b"words", b"%PDF-", b"%PDF-1.7\n%%EOF", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj"] {
        assert_eq!(refusal(file), ExtractError::Corrupt, "{file:?}");
    }
}

#[test]
fn a_locked_file_is_encrypted_however_it_says_so() {
    for key in ["/Encrypt", "/Encr#79pt"] {
        let mut writer = Writer::of_pages(&[&["Secret."]]);
        let lock = writer.add("<< /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O () /U () >>");
        let file = writer.trailer(&format!("{key} {lock} 0 R /ID [<00> <00>]")).finish();
        assert_eq!(refusal(&file), ExtractError::Encrypted);
    }
    let mut writer = Writer::of_pages(&[&["Not locked."]]);
    assert!(read(&writer.trailer("/EncryptMetadata false").finish()).is_ok());
}

#[test]
fn a_scan_has_no_text() {
    let mut writer = Writer::new();
    let picture = writer
        .stream("/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray", b"x");
    let contents = writer.stream("", b"q 612 0 0 792 0 0 cm /Scan Do Q");
    writer.page_of(&format!("/Contents {contents} 0 R /Resources << /XObject << /Scan {picture} 0 R >> >>"));
    assert_eq!(refusal(&writer.finish()), ExtractError::NoTextLayer);
    let mut unnamed = Writer::new();
    let font = unnamed.add("<< /Type /Font /Subtype /Type0 /Encoding /Identity-H >>");
    let contents = unnamed.stream("", b"BT /F2 10 Tf <000100020003> Tj ET");
    unnamed.page_of(&format!("/Contents {contents} 0 R /Resources << /Font << /F2 {font} 0 R >> >>"));
    assert_eq!(refusal(&unnamed.finish()), ExtractError::NoTextLayer);
}

#[test]
fn more_pages_than_the_bound_are_too_many() {
    let page: &[&str] = &["A page."];
    assert_eq!(refusal(&Writer::of_pages(&vec![page; MAX_PAGES + 1]).finish()), ExtractError::TooManyPages);
    assert!(read(&Writer::of_pages(&vec![page; MAX_PAGES]).finish()).is_ok());
}

#[test]
fn what_inflates_out_of_bounds_is_a_bomb() {
    let page = |writer: &mut Writer, contents: usize| {
        writer.page_of(&format!("/Contents {contents} 0 R /Resources << /Font << /F1 3 0 R >> >>"));
    };
    // One stream of 60 MB in 60 kB; streams in streams; twenty of 7 MB; a table of a font; objects.
    let mut one = Writer::new();
    let contents = one.packed("", vec![b' '; 60 << 20]);
    page(&mut one, contents);
    let file = one.finish();
    assert!(file.len() < 100_000);
    assert_eq!(refusal(&file), ExtractError::Bomb);

    let mut twice = Writer::new();
    let contents = twice.stream("/Filter [/FlateDecode /FlateDecode]", &packed(packed(vec![b' '; 60 << 20])));
    page(&mut twice, contents);
    assert_eq!(refusal(&twice.finish()), ExtractError::Bomb);

    let mut many = Writer::new();
    let contents = many.packed("", vec![b' '; 7 << 20]);
    (0..20).for_each(|_| page(&mut many, contents));
    assert_eq!(refusal(&many.finish()), ExtractError::Bomb);

    let mut objects = Writer::of_pages(&[&["Words."]]);
    for _ in 0..3 {
        objects
            .packed("/Type /ObjStm /N 1 /First 5", [b"99 0 (".to_vec(), vec![b'x'; 7 << 20], b")".to_vec()].concat());
    }
    assert_eq!(refusal(&objects.finish()), ExtractError::Bomb);

    let mut values = Writer::of_pages(&[&["Words."]]);
    values.add(format!("[{}]", "1 ".repeat(4_100_000)));
    assert_eq!(refusal(&values.finish()), ExtractError::Bomb);
}

#[test]
fn a_table_that_writes_a_book_for_each_letter_is_a_bomb() {
    let mut writer = Writer::new();
    let word = "0061".repeat(32);
    let table = writer.stream("", format!("1 beginbfchar <61> <{word}> endbfchar").as_bytes());
    let font = writer.add(format!("<< /Type /Font /Subtype /Type1 /ToUnicode {table} 0 R >>"));
    let operators = format!("BT /F2 10 Tf ({}) Tj ET", "a".repeat(1_100_000));
    let contents = writer.packed("", operators.into_bytes());
    writer.page_of(&format!("/Contents {contents} 0 R /Resources << /Font << /F2 {font} 0 R >> >>"));
    assert_eq!(refusal(&writer.finish()), ExtractError::Bomb);
}

#[test]
fn forms_that_draw_each_other_end() {
    let mut writer = Writer::new();
    // Each of six draws the next one forty times: four billion drawings in all.
    for number in 4..10 {
        let draws = "/Next Do ".repeat(40) + &" ".repeat(100_000);
        let resources = format!("/Subtype /Form /Resources << /XObject << /Next {} 0 R >> >>", number + 1);
        writer.stream(&resources, draws.as_bytes());
    }
    let contents = writer.stream("/Subtype /Form", b"/F1 Do                                             ");
    writer.page_of(&format!("/Contents {contents} 0 R /Resources << /XObject << /F1 4 0 R >> >>"));
    assert_eq!(refusal(&writer.finish()), ExtractError::Bomb);
    let mut own = Writer::of_pages(&[&["Words."]]);
    let form = own.objects() + 1;
    own.stream(&format!("/Subtype /Form /Resources << /XObject << /Me {form} 0 R >> >>"), b"/Me Do");
    own.page_of(&format!("/Contents {form} 0 R /Resources << /XObject << /Me {form} 0 R >> >>"));
    assert_eq!(read(&own.finish()).unwrap().text, "Words.");
}

#[test]
fn nesting_without_end_is_no_crash() {
    for (open, close) in [("[", "]"), ("<< /A ", " >>"), ("(", ")")] {
        let deep = format!("{}{}", open.repeat(100_000), close.repeat(100_000));
        let mut elsewhere = Writer::of_pages(&[&["Words."]]);
        elsewhere.add(deep.as_bytes());
        assert_eq!(read(&elsewhere.finish()).map(|read| read.text), Ok("Words.".to_owned()));
        let mut on_page = Writer::new();
        on_page.page(format!("BT /F1 10 Tf {deep} TJ (Words.) Tj ET").as_bytes());
        let _ = read(&on_page.finish());
        let mut trailer = Writer::of_pages(&[&["Words."]]);
        let _ = read(&trailer.trailer(&format!("/Deep {deep}")).finish());
    }
}

#[test]
fn trees_that_lead_back_to_themselves_end() {
    let mut circle = Writer::of_pages(&[&["Words."]]);
    circle.replace(writer::ROOT, "<< /Type /Pages /Kids [5 0 R 2 0 R 5 0 R] /Count 1 /Parent 2 0 R >>");
    assert_eq!(read(&circle.finish()).unwrap().text, "Words.");
    let mut orphan = Writer::new();
    orphan.replace(writer::ROOT, "<< /Type /Pages /Kids [2 0 R] /Count 1 >>");
    assert_eq!(refusal(&orphan.finish()), ExtractError::Corrupt);
    let mut own_length = Writer::new();
    own_length.add("<< /Length 4 0 R >>\nstream\nBT (x) Tj ET\nendstream");
    own_length.page_of("/Contents 4 0 R");
    assert!(read(&own_length.finish()).is_err());
    let mut references = Writer::new();
    references.add("5 0 R");
    references.add("4 0 R");
    references.page_of("/Contents 4 0 R /Resources 5 0 R");
    assert_eq!(refusal(&references.finish()), ExtractError::Corrupt);
}

#[test]
fn a_page_that_the_file_counts_and_does_not_have_is_missed() {
    let mut writer = Writer::of_pages(&[&["One."], &["Two."]]);
    writer.replace(writer::ROOT, "<< /Type /Pages /Kids [5 0 R] /Count 2 >>");
    assert_eq!(refusal(&writer.finish()), ExtractError::Corrupt);
}

#[test]
fn files_cut_anywhere_are_whole_or_refused() {
    let (file, seed) = (sample(), seed());
    let whole = read(&file).unwrap();
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..ROUNDS {
        let length = random.usize(..file.len());
        match read(&file[..length]) {
            Ok(text) => assert_eq!(text.text, whole.text, "seed {seed}, cut to {length}"),
            Err(error) => assert_eq!(error, ExtractError::Corrupt, "seed {seed}, cut to {length}"),
        }
    }
}

#[test]
fn files_with_wrong_bytes_cost_no_more_than_themselves() {
    let (file, seed) = (sample(), seed());
    let mut random = fastrand::Rng::with_seed(seed);
    let mut read_all_the_same = 0;
    for _ in 0..ROUNDS {
        let mut wrong = file.clone();
        for _ in 0..random.usize(1..20) {
            let at = random.usize(..wrong.len());
            wrong[at] = random.u8(..);
        }
        match read(&wrong) {
            Ok(_) => read_all_the_same += 1,
            Err(error) => assert_ne!(error, ExtractError::Crashed, "seed {seed}"),
        }
    }
    println!("seed {seed}: {read_all_the_same} of {ROUNDS} were read");
}

#[test]
fn a_wrong_byte_in_what_is_packed_changes_nothing_unseen() {
    let operators = (0..40).map(|line| format!("(Line {line} costs ${}.) Tj T* ", line * 37)).collect::<String>();
    let content = packed(format!("BT /F1 10 Tf 12 TL 72 700 Td {operators} ET").into_bytes());
    let mut writer = Writer::of_pages(&[&["Words."]]);
    let contents = writer.stream("/Filter /FlateDecode", &content);
    writer.page_of(&format!("/Contents {contents} 0 R /Resources << /Font << /F1 3 0 R >> >>"));
    let file = writer.finish();
    let whole = read(&file).unwrap();
    assert!(whole.text.contains("Line 39 costs $1443."), "{}", whole.text);
    let start = file.windows(content.len()).position(|part| part == content).unwrap();
    for at in start..start + content.len() {
        let mut wrong = file.clone();
        wrong[at] ^= 0x10;
        assert_eq!(read(&wrong).map(|read| read.text), Err(ExtractError::Corrupt), "byte {}", at - start);
    }
}

#[test]
fn a_checksum_may_be_left_out() {
    let content = packed(format!("BT /F1 10 Tf 72 700 Td ({}) Tj ET", "Words. ".repeat(30)).into_bytes());
    let mut writer = Writer::new();
    let contents = writer.stream("/Filter /FlateDecode", &content[..content.len() - 4]);
    writer.page_of(&format!("/Contents {contents} 0 R /Resources << /Font << /F1 3 0 R >> >>"));
    assert!(read(&writer.finish()).unwrap().text.starts_with("Words. Words."));
}

#[test]
fn what_a_few_bytes_make_large_is_a_bomb() {
    // Fonts that list a width for every code; a page of many streams; empty streams without end.
    let mut fonts = Writer::new();
    let descendant = fonts.add("<< /Type /Font /W [0 65535 500] >>");
    let each = |number| format!("/F{number} << /Type /Font /Subtype /Type0 /DescendantFonts [{descendant} 0 R] >>");
    let all: String = (0..100).map(each).collect();
    let used: String = (0..100).map(|number| format!("/F{number} 10 Tf ")).collect();
    let contents = fonts.stream("", format!("BT {used} ET").as_bytes());
    fonts.page_of(&format!("/Contents {contents} 0 R /Resources << /Font << {all} >> >>"));
    assert_eq!(refusal(&fonts.finish()), ExtractError::Bomb);

    let mut streams = Writer::of_pages(&[&["Words."]]);
    let numbers = streams.packed("", b"1 ".repeat(3 << 20));
    streams.page_of(&format!("/Contents [{}]", format!("{numbers} 0 R ").repeat(3)));
    assert_eq!(refusal(&streams.finish()), ExtractError::Bomb);

    let mut empty = Writer::of_pages(&[&["Words."]]);
    let stream = empty.stream("", b"");
    empty.page_of(&format!("/Contents [{}]", format!("{stream} 0 R ").repeat(300_000)));
    assert_eq!(refusal(&empty.finish()), ExtractError::Bomb);
}

/// Each took a time that grew with the square of its length.
#[test]
fn long_words_and_pictures_that_never_begin_take_no_longer_than_others() {
    let lines = "(ab-)' ".repeat(200_000);
    let mut words = Writer::new();
    let contents = words.packed("", format!("BT /F1 10 Tf 10 TL 72 700 Td {lines} ET").into_bytes());
    words.page_of(&format!("/Contents {contents} 0 R /Resources << /Font << /F1 3 0 R >> >>"));
    assert!(read(&words.finish()).unwrap().text.starts_with("abab"));

    let mut pictures = Writer::new();
    let operators = format!("BT /F1 10 Tf 72 700 Td (Words.) Tj ET {}", "BI /\n".repeat(1 << 20));
    let contents = pictures.packed("", operators.into_bytes());
    pictures.page_of(&format!("/Contents {contents} 0 R /Resources << /Font << /F1 3 0 R >> >>"));
    let _ = read(&pictures.finish());
}

fn seed() -> u64 {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    seed
}
