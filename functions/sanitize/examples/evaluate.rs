//! Measures masking and attack detection on files of labelled texts, one JSON object a line.
//!
//! `cargo run -p sanitize --example evaluate -- texts.jsonl`: rows with `spans` measure masking, rows with `label`
//! measure attacks. A span counts as masked when all its characters lie in findings.
#![expect(clippy::print_stdout, reason = "a report for people")]

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader},
    time::Duration,
};

use anyhow::Context;
use sanitize::review;
use serde::Deserialize;
use shared::{
    contract::sanitize::{Action, Direction, SanitizeReply},
    phi::Vault,
};

#[derive(Deserialize)]
struct Row {
    text: String,
    spans: Option<Vec<Span>>,
    label: Option<u8>,
}

#[derive(Deserialize)]
struct Span {
    start: usize,
    end: usize,
    r#type: String,
}

#[derive(Default)]
struct Masking {
    wanted: BTreeMap<String, (usize, usize)>,
    findings: usize,
    right: usize,
    clean: usize,
    clean_touched: usize,
}

#[derive(Default)]
struct Attacks {
    risks: [Vec<f64>; 2],
    flagged: [usize; 2],
}

fn main() -> anyhow::Result<()> {
    review::warm_up();
    for path in std::env::args().skip(1) {
        let (mut masking, mut attacks) = (Masking::default(), Attacks::default());
        for line in BufReader::new(File::open(&path).with_context(|| path.clone())?).lines() {
            let row: Row = serde_json::from_str(&line?)?;
            let reply = review::review(&row.text, Direction::Input, &mut Vault::new(), Duration::MAX);
            if let Some(spans) = &row.spans {
                masking.add(&row.text, spans, &reply);
            }
            if let Some(label) = row.label {
                attacks.add(usize::from(label.min(1)), &reply);
            }
        }
        println!("{path}");
        masking.print();
        attacks.print();
    }
    Ok(())
}

impl Masking {
    fn add(&mut self, text: &str, spans: &[Span], reply: &SanitizeReply) {
        let letters: Vec<char> = text.chars().collect();
        let found: Vec<_> = reply.findings.iter().filter(|finding| finding.kind.starts_with("phi")).collect();
        let covered =
            |place: usize| letters[place].is_whitespace() || found.iter().any(|f| (f.start..f.end).contains(&place));
        for span in spans {
            let count = self.wanted.entry(span.r#type.clone()).or_default();
            count.0 += usize::from((span.start..span.end).all(covered));
            count.1 += 1;
        }
        self.findings += found.len();
        self.right +=
            found.iter().filter(|f| spans.iter().any(|span| f.start < span.end && span.start < f.end)).count();
        self.clean += usize::from(spans.is_empty());
        self.clean_touched += usize::from(spans.is_empty() && !found.is_empty());
    }

    fn print(&self) {
        let (masked, wanted) = self.wanted.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
        if wanted == 0 {
            return;
        }
        let (recall, precision) = (share(masked, wanted), share(self.right, self.findings));
        let f2 = 5.0 * precision * recall / (4.0 * precision + recall);
        println!(
            "  masked {recall:.3}  precision {precision:.3}  F2 {f2:.3}  clean texts touched {}/{}",
            self.clean_touched, self.clean
        );
        for (kind, (masked, wanted)) in &self.wanted {
            println!("    {kind} {masked}/{wanted}");
        }
    }
}

impl Attacks {
    fn add(&mut self, label: usize, reply: &SanitizeReply) {
        self.risks[label].push(reply.risk);
        self.flagged[label] += usize::from(matches!(reply.action, Action::Flag | Action::Block));
    }

    fn print(&self) {
        let [benign, attacks] = &self.risks;
        if benign.is_empty() || attacks.is_empty() {
            return;
        }
        let ahead = |attack: &f64| {
            benign
                .iter()
                .map(|other| {
                    if attack > other {
                        1.0
                    } else if attack < other {
                        0.0
                    } else {
                        0.5
                    }
                })
                .sum::<f64>()
        };
        let auc = attacks.iter().map(ahead).sum::<f64>() / share(attacks.len(), 1) / share(benign.len(), 1);
        let [false_alarms, recall] = [share(self.flagged[0], benign.len()), share(self.flagged[1], attacks.len())];
        println!("  AUC {auc:.3}  flagged: attacks {recall:.3}, benign {false_alarms:.4}");
    }
}

fn share(part: usize, whole: usize) -> f64 {
    let as_number = |count: usize| u32::try_from(count).map_or(f64::MAX, f64::from);
    as_number(part) / as_number(whole.max(1))
}
