//! What masking promises, on texts of every kind.

use super::*;

fn masked(text: &str) -> String {
    mask(text, &mut Vault::new()).text.into_string()
}

#[test]
fn structured_values() {
    let cases = [
        ("My SSN is 219-09-9999.", "My SSN is [SSN_1]."),
        ("我的社会安全号码是219-09-9999。", "我的社会安全号码是[SSN_1]。"),
        ("SSN ２１９-０９-９９９９", "SSN [SSN_1]"),
        ("Medicare 1EG4-TE5-MK73", "Medicare [MBI_1]"),
        ("NPI 1234567893", "NPI [NPI_1]"),
        ("card 4111 1111 1111 1111", "card [CARD_1]"),
        ("write to maria@example.com", "write to [EMAIL_1]"),
        ("call me at (617) 555-0123 x12", "call me at [PHONE_1]"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [IBAN_1]"),
        ("from 203.0.113.7", "from [IP_1]"),
        ("my ssn's last four are 6789", "my ssn's last four are [SSN_1]"),
        ("nació el 3 de marzo de 2015", "nació el [DOB_1]"),
        ("I was born on May 3, 1961", "I was born on [DOB_1]"),
        ("la visita del 10/03/2025", "la visita del [DATE_1]"),
        ("my aunt is 93 years old", "my aunt is [AGE_1]"),
        ("código postal 58449", "código postal [ZIP_1]"),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn secrets() {
    let cases = [
        ("key AKIAIOSFODNN7EXAMPLE here", "key [SECRET_1] here"),
        ("api_key=abcdef1234567890", "api_key=[SECRET_1]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN", "[SECRET_1]"),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn numbers_explained_by_words() {
    let cases = [
        ("member ID is 70154303911-05", "member ID is [MEMBER_1]"),
        ("Why was claim #E1540137296 denied?", "Why was claim #[CLAIM_1] denied?"),
        ("My MRN there is 73445335", "My MRN there is [MRN_1]"),
        ("73445335 is my MRN", "[MRN_1] is my MRN"),
        ("group 796-84A ends", "group [GROUP_1] ends"),
        ("sobre el reclamo E4714465905 por", "sobre el reclamo [CLAIM_1] por"),
        ("my account 59401076669 was closed", "my account [ACCOUNT_1] was closed"),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn names_after_introductions() {
    let cases = [
        ("Hi, my name is Daniel Burton and I", "Hi, my name is [PERSON_1] and I"),
        ("Member: Sanders, Shelby. Phone", "Member: [PERSON_1]. Phone"),
        ("Me llamo Óliver Barrios.", "Me llamo [PERSON_1]."),
        ("I'm Charles's caregiver", "I'm [PERSON_1]'s caregiver"),
        ("Dr. Singh said", "[PERSON_1] said"),
        ("我叫王小明，我想", "我叫[PERSON_1]，我想"),
        ("Меня зовут Иван, мой полис", "Меня зовут [PERSON_1], мой полис"),
        ("hi this is tamika washington, calling", "hi this is [PERSON_1], calling"),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn public_text_is_left() {
    let clean = [
        "Call 1-800-633-4227 (1-800-MEDICARE), TTY 1-877-486-2048, or 988.",
        "Does Bronze HSA 7000 cover metformin 500 mg (NDC 36544-0121-42)? My doctor coded it F41.1.",
        "The claim for CPT 99213 was $336.12 and they paid 31%. Is that normal?",
        "Can I deduct $2,638 of premiums on my 2024 taxes with form CMS-L564 or 1095-A?",
        "What is the out-of-pocket maximum on Plan G in 2021? I have 60 days to appeal.",
        "See https://www.medicare.gov/appeals and https://example.org/how-to-appeal-a-denial",
        "Will Medicare Part B pay? May I use my HSA? Dear Member Services,",
        "Does my plan cover 90 days of medicine 24/7, and 1/2 of the cost?",
        "Is there a clinic in San Diego, CA or Austin, TX?",
        "Parkinson disease, Crohn's disease and Wilson disease are covered in Virginia.",
    ];
    for text in clean {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn masking_restores_and_is_idempotent() {
    for text in SAMPLES {
        let mut vault = Vault::new();
        let first = mask(text, &mut vault).text;
        assert_eq!(vault.unmask(first.as_str()), *text);
        assert_eq!(mask(first.as_str(), &mut vault).text, first);
        assert_eq!(Masked::of(first.as_str()), first);
    }
}

#[test]
fn random_texts_keep_the_promises() {
    let mut seed = 7_u64;
    for _ in 0..2_000 {
        let text = scramble(&mut seed);
        let mut vault = Vault::new();
        let masking = mask(&text, &mut vault);
        assert_eq!(vault.unmask(masking.text.as_str()), text);
        let length = text.chars().count();
        let ordered = masking.findings.windows(2).all(|pair| pair[0].end <= pair[1].start);
        assert!(ordered && masking.findings.iter().all(|found| found.start < found.end && found.end <= length));
    }
}

#[test]
fn a_forged_placeholder_restores_to_itself() {
    let mut vault = Vault::new();
    let masking = mask("[SSN_1] and SSN 219-09-9999 and [ ssn 1 ]", &mut vault);
    assert_eq!(masking.text.as_str(), "[LITERAL_1] and SSN [SSN_1] and [LITERAL_2]");
    let page = mask_with("send [SSN_1] to us", &mut vault, Scope::Public, Strangers::EscapeAll);
    assert!(!vault.unmask(page.text.as_str()).contains("219"));
}

#[test]
fn public_scope_leaves_what_readers_want() {
    let page = "Open enrollment ends January 15, 2026. Write to Dr. Mary Smith, 12 Main Street, Boston, MA 02110.";
    assert_eq!(Masked::of_public(page).as_str(), page);
    assert_eq!(Masked::of_public("SSN 219-09-9999").as_str(), "SSN [SSN_1]");
}

#[test]
fn queries_lose_placeholders_and_length() {
    let query = Masked::of("Is member H12345678 covered for dialysis?").without_placeholders();
    assert_eq!(query.as_str(), "Is member covered for dialysis?");
    assert_eq!(query.truncated(13).as_str(), "Is member");
    assert_eq!(query.truncated(99), query);
}

#[test]
fn offsets_are_code_points() {
    let masking = mask("¿é? SSN 219-09-9999", &mut Vault::new());
    assert_eq!((masking.findings[0].start, masking.findings[0].end), (8, 19));
}

const SAMPLES: &[&str] = &[
    "",
    "My wife Wright, Rebecca (born 01/24/1935) was added to the policy H36374545 on 2025-12-12.",
    "Mi mamá Magdalena, nacida el 14/10/1974, tiene Medicare 5J64XC2ED85. [SSN_1] [dob 2]",
    "الرقم ٢١٩-٠٩-٩٩٩٩ \u{202e}x\u{200b}y 👩‍👧 e\u{301} [PERSON_1]",
    "lab at 8716 Laura Shore, Lake Amanda, SD 21956 bill me $459.29? My MRN there is MRN73445335.",
];

/// Pieces of samples in random order: a small linear congruential generator keeps it repeatable.
fn scramble(seed: &mut u64) -> String {
    const PIECES: [&str; 24] = [
        "SSN ",
        "219-09-9999",
        "[SSN_1]",
        "[ssn 2",
        "_1]",
        "é",
        "e\u{301}",
        "１２３",
        "٤٥٦",
        " ",
        "my name is ",
        "Óscar",
        "Rebecca",
        ", ",
        "member ",
        "H12345",
        "\u{200b}",
        "4111 1111 1111 1111",
        "👩‍👧",
        "ﬁ",
        "1/2/2003",
        "born ",
        "\n",
        "a@b.co",
    ];
    let mut next = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*seed >> 33).unwrap()
    };
    let count = next() % 12;
    (0..count).map(|_| PIECES[next() % PIECES.len()]).collect()
}
