//! Patient data: found, replaced by placeholders, and put back.
//!
//! [`mask`] turns "my SSN is 219-09-9999" into "my SSN is `[SSN_1]`" and remembers the value in a [`Vault`], which
//! puts it back at the last moment. Third parties take [`Masked`] text only, and only this module makes it.
//!
//! Detection is rules over an ASCII-folded [`view::View`] of the text: shapes with check digits ([`patterns`]), numbers
//! that the words around them explain ([`identifiers`], [`context`]), dates, and names. It is never complete: the
//! recall measured on public test sets is published, and Safe Harbor de-identification is not claimed.

mod address;
mod calendar;
mod checksums;
mod context;
mod hit;
mod identifiers;
mod kind;
mod lexicon;
mod masked;
mod names;
mod patterns;
mod placeholder;
mod secrets;
mod vault;
pub mod view;
mod words;

use std::ops::Range;

pub use kind::Kind;
pub use masked::Masked;
pub use patterns::is_hotline;
pub use placeholder::{Placeholder, REDACTED};
pub use vault::{Vault, VaultError};

use hit::Hit;
use view::View;

/// A masked text and what was found in it.
#[derive(Clone, Debug)]
pub struct Masking {
    /// The text that may travel.
    pub text: Masked,
    /// What was replaced, in the order of the text.
    pub findings: Vec<Finding>,
}

/// One replaced value; it never carries the value itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// First code point in the original text.
    pub start: usize,
    /// One past its last code point.
    pub end: usize,
    /// How sure the rule is, 0 to 1.
    pub score: f64,
    /// What stands there now.
    pub placeholder: String,
    /// The rule that found it.
    pub rule: &'static str,
}

/// Which kinds to mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything: for what a patient writes.
    Personal,
    /// Only what is never public: for documents and answers, where hotlines, deadlines, addresses of offices and
    /// names of doctors are what the reader wants. See [`Kind::is_public_fact`].
    Public,
}

/// What to do with text that looks like a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangers {
    /// Leave all of them: the text comes from our own masking, or will never be restored.
    Keep,
    /// Leave those the vault knows and set the others aside, so that `unmask(mask(x)) == x`.
    EscapeUnknown,
    /// Set all aside: a page that says `[SSN_1]` must not be given the patient's number.
    EscapeAll,
}

/// Masks what a patient wrote; the vault goes on from the placeholders it has.
pub fn mask(text: &str, vault: &mut Vault) -> Masking {
    mask_with(text, vault, Scope::Personal, Strangers::EscapeUnknown)
}

/// Masks `text` by `scope`, with placeholders that are already in it treated by `strangers`.
pub fn mask_with(text: &str, vault: &mut Vault, scope: Scope, strangers: Strangers) -> Masking {
    let placeholders: Vec<_> = placeholder::find(text).collect();
    let blanks: Vec<_> = placeholders.iter().map(|(range, _)| range.clone()).collect();
    let view = View::fold(text, &blanks);
    let mut spans: Vec<Span> = detect(&view, scope).into_iter().map(|hit| Span::of(&hit, &view)).collect();
    spans.extend(
        placeholders
            .into_iter()
            .filter(|(_, known)| is_stranger(strangers, vault, *known))
            .map(|(range, _)| Span::literal(range)),
    );
    spans.sort_by_key(|span| span.range.start);
    replace(text, &spans, vault)
}

/// Compiles the patterns, so that the first request does not.
pub fn warm_up() {
    let _ = Masked::of("my name is x, born on 1/2/2003, member 12345");
}

fn detect(view: &View, scope: Scope) -> Vec<Hit> {
    let cues = context::Cues::scan(view);
    let mut hits = patterns::find(view.bytes());
    hits.extend(identifiers::find(view.bytes(), &cues));
    hits.extend(calendar::find(view.bytes(), &cues));
    if scope == Scope::Personal {
        hits.extend(names::find(view));
    }
    hits.retain(|hit| scope == Scope::Personal || !hit.kind.is_public_fact());
    hit::resolve(hits)
}

fn is_stranger(strangers: Strangers, vault: &Vault, placeholder: Placeholder) -> bool {
    match strangers {
        Strangers::Keep => false,
        Strangers::EscapeUnknown => !vault.knows(placeholder),
        Strangers::EscapeAll => true,
    }
}

/// A byte range of the original that will be replaced.
struct Span {
    range: Range<usize>,
    kind: Kind,
    score: f32,
    rule: &'static str,
}

impl Span {
    fn of(hit: &Hit, view: &View) -> Self {
        Self { range: view.to_original(hit.range.clone()), kind: hit.kind, score: hit.score, rule: hit.rule }
    }

    const fn literal(range: Range<usize>) -> Self {
        Self { range, kind: Kind::Literal, score: 1.0, rule: "PHI-Z1" }
    }
}

fn replace(text: &str, spans: &[Span], vault: &mut Vault) -> Masking {
    let mut masked = String::with_capacity(text.len());
    let mut findings = Vec::with_capacity(spans.len());
    let (mut copied, mut points) = (0, 0);
    for span in spans.iter().filter(|span| !span.range.is_empty()) {
        let value = &text[span.range.clone()];
        let before = &text[copied..span.range.start];
        let placeholder = vault.stand_in(span.kind, value);
        masked.push_str(before);
        masked.push_str(&placeholder);
        let start = points + before.chars().count();
        points = start + value.chars().count();
        copied = span.range.end;
        if span.kind != Kind::Literal {
            findings.push(Finding {
                kind: span.kind,
                start,
                end: points,
                score: f64::from(span.score),
                placeholder,
                rule: span.rule,
            });
        }
    }
    masked.push_str(&text[copied..]);
    Masking { text: Masked::new(masked), findings }
}

#[cfg(test)]
mod tests;
