//! Keys and tokens. They are nobody's health data, but no third party may see them either.

use std::ops::Range;

use super::kind::Kind;
use super::patterns::Rule;

/// Shapes of secrets, by the prefixes that their issuers document.
pub(super) const RULES: &[Rule] = &[
    Rule { id: "SEC-1", kind: Kind::Secret, pattern: r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", score: 0.98, accept: any },
    Rule {
        id: "SEC-2",
        kind: Kind::Secret,
        pattern: r"\b(?:sk|pk|rk)[-_](?:[a-z]{2,10}[-_])?[A-Za-z0-9_-]{20,}\b|\b(?:ghp|gho|ghs|github_pat|glpat|xox[abprs]|tvly|AIza)[-_A-Za-z0-9]{20,}\b",
        score: 0.95,
        accept: has_digit,
    },
    Rule {
        id: "SEC-3",
        kind: Kind::Secret,
        pattern: r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
        score: 0.98,
        accept: any,
    },
    Rule {
        id: "SEC-4",
        kind: Kind::Secret,
        pattern: r"-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s:,.-]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
        score: 0.99,
        accept: any,
    },
    Rule {
        id: "SEC-5",
        kind: Kind::Secret,
        pattern: r"(?i)\b(?:api[_ -]?key|secret[_ -]?key|access[_ -]?token|client[_ -]?secret|password|contrasena|clave)\b(?: is| es)?\s{0,2}[:=]\s{0,2}([^\s,;]{8,})",
        score: 0.8,
        accept: has_digit,
    },
];

fn any(_: &[u8], _: Range<usize>) -> bool {
    true
}

fn has_digit(bytes: &[u8], range: Range<usize>) -> bool {
    bytes[range].iter().any(u8::is_ascii_digit)
}
