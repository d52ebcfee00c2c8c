//! Street addresses and ZIP codes.

use std::ops::Range;

use super::kind::Kind;
use super::patterns::Rule;

macro_rules! state {
    () => {
        "(?:A[AEKLPRZ]|C[AOT]|D[CE]|FL|FM|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEHINOPST]|N[CDEHJMVY]|O[HKR]|P[ARW]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY])"
    };
}
macro_rules! suffix {
    () => {
        "(?:Alley|Avenue|Ave|Bend|Boulevard|Blvd|Branch|Bridge|Brook|Bypass|Circle|Cir|Corner|Court|Ct|Cove|Creek|Crescent|Crossing\
         |Dale|Drive|Dr|Estate|Expressway|Extension|Falls|Ferry|Field|Flat|Ford|Forest|Fork|Freeway|Garden|Gateway|Glen|Green|Grove\
         |Harbor|Haven|Heights|Highway|Hwy|Hill|Hollow|Island|Junction|Key|Knoll|Lake|Landing|Lane|Ln|Locks|Loop|Manor|Meadow|Mews|Mills?\
         |Mission|Motorway|Mount|Mountain|Oval|Park|Parkway|Pkwy|Pass|Path|Pike|Pine|Place|Pl|Plain|Plaza|Point|Port|Prairie|Ranch|Rapid|Ridge\
         |River|Road|Rd|Route|Row|Run|Shoal|Shore|Skyway|Spring|Spur|Square|Sq|Station|Stream|Street|St|Summit|Terrace|Ter|Trace|Track|Trafficway\
         |Trail|Tunnel|Turnpike|Underpass|Union|Valley|Via|Viaduct|View|Village|Ville|Vista|Walk|Way|Well|Close|Gate|Orchard|Center|Stravenue|Str)s?"
    };
}
macro_rules! unit {
    () => {
        r"(?:,?\s{1,3}(?:Apt|Apartment|Suite|Ste|Unit|Room|Floor|Apto|Depto|Piso|#)\.?\s?[A-Za-z0-9-]{1,6})"
    };
}
macro_rules! words {
    () => {
        r"(?:[A-Z0-9\x80-\xFF][\w.'\x80-\xFF-]* ){1,4}"
    };
}
macro_rules! city {
    () => {
        concat!(
            r"(?:,?\s{1,3}[A-Z][\w.'-]+(?: [A-Z][\w.'-]+){0,2},?\s{1,3}",
            state!(),
            r"(?:,?\s{1,3}\d{5}(?:-\d{4})?)?)"
        )
    };
}

/// Shapes of addresses; order does not matter.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "PHI-B1",
        kind: Kind::Address,
        pattern: concat!(
            r"\b\d{1,6}(?:-\d{1,4})?[A-Z]? ",
            words!(),
            suffix!(),
            r"\b\.?(?: (?:North|South|East|West|[NSEW]{1,2})\b)?",
            unit!(),
            "?",
            city!(),
            "?"
        ),
        score: 0.85,
        accept: not_money,
    },
    Rule {
        id: "PHI-B2",
        kind: Kind::Address,
        pattern: concat!(r"\b\d{1,6}(?: [A-Z0-9][\w.'-]*){1,4}", unit!(), "?", city!(), r"\b"),
        score: 0.8,
        accept: ends_in_zip,
    },
    Rule {
        id: "PHI-B3",
        kind: Kind::Address,
        pattern: r"(?i)\bp\.? ?o\.? ?box \d{1,6}\b|\b(?:PSC|Unit|CMR|USNS|USS) [\w ]{1,16},? Box \d{1,5}\s{1,3}(?:APO|FPO|DPO)\s(?:AA|AE|AP)\s\d{5}\b",
        score: 0.85,
        accept: not_money,
    },
    Rule {
        id: "PHI-B4",
        kind: Kind::Address,
        pattern: r"(?i)\b(?:calle|avenida|avda\.?|av\.|carrera|calzada|paseo|callejon|camino|rua|rue) (?:[a-z0-9'\x80-\xFF-]+ ){1,5}(?:no\.? |num\.? |# ?|numero )?\d{1,5}\b(?:,? (?:apto|depto|piso|apt)\.? ?[a-z0-9-]{1,6})?",
        score: 0.75,
        accept: not_money,
    },
    Rule {
        id: "PHI-B5",
        kind: Kind::Address,
        pattern: r"\b(?:Apt|Apartment|Suite|Ste)\.? ?\d{1,5}[A-Z]?\b",
        score: 0.7,
        accept: not_money,
    },
    Rule {
        id: "PHI-B7",
        kind: Kind::Address,
        pattern: r"(?i:\blives? (?:at|on)|\baddress(?:es)?(?: here)?(?: is| to|:)?|\bvivo en|\bdomicilio(?: es|:)?|\bdireccion(?: es|:)?)\s{1,3}((?:\d{1,6}|(?:[A-Z][\w.'-]* ){1,3}\d{1,6}\b)(?:,?\s{1,3}[A-Z0-9][\w.'-]*){0,9})",
        score: 0.75,
        accept: has_letters,
    },
    Rule {
        id: "PHI-B6",
        kind: Kind::Zip,
        pattern: concat!(r"\b", state!(), r",? {1,2}(\d{5}(?:-\d{4})?)\b"),
        score: 0.8,
        accept: not_money,
    },
];

fn not_money(bytes: &[u8], range: Range<usize>) -> bool {
    range.start == 0 || bytes[range.start - 1] != b'$'
}

fn ends_in_zip(bytes: &[u8], range: Range<usize>) -> bool {
    let tail = &bytes[range.end.saturating_sub(5)..range.end];
    not_money(bytes, range) && tail.iter().all(u8::is_ascii_digit)
}

fn has_letters(bytes: &[u8], range: Range<usize>) -> bool {
    bytes[range].iter().any(u8::is_ascii_alphabetic)
}
