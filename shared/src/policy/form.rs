//! From a tree to a typed policy, with everything that does not fit.
//!
//! Deserialising stops at the first error. Here the node at fault is replaced by what was shipped in its place (an
//! unknown field is left out) and it begins anew, until all are found.

use serde_json::Value;
use serde_path_to_error::Segment;

use super::{
    Policy,
    tree::{Node, Place},
};

/// More errors than this in one policy are not looked for.
const ROUNDS: usize = 100;

/// Something wrong with one value of a tree.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) place: Place,
    pub(super) path: Vec<String>,
    pub(super) expected: String,
}

/// The policy of `tree`, as far as there is one, and what did not fit.
pub(super) fn typed(tree: &mut Node, shipped: &Node) -> (Option<Policy>, Vec<Finding>) {
    let mut findings = Vec::new();
    for _ in 0..ROUNDS {
        let error = match serde_path_to_error::deserialize::<_, Policy>(tree.value()) {
            Ok(policy) => return (Some(policy), findings),
            Err(error) => error,
        };
        let fault = Fault::of(&error);
        findings.push(fault.finding(tree));
        if fault.mend(tree, shipped).is_none() {
            break;
        }
    }
    (None, findings)
}

/// What serde says, taken apart.
struct Fault {
    path: Vec<String>,
    kind: Kind,
}

enum Kind {
    Unknown(String),
    Missing,
    Other(String),
}

impl Fault {
    fn of(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let mut path: Vec<String> = error.path().iter().filter_map(step).collect();
        let sentence = error.inner().to_string();
        if let Some(name) = sentence.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            path.push(name.to_owned());
            return Self { path, kind: Kind::Missing };
        }
        if sentence.starts_with("unknown field `") {
            let known = sentence.split_once(", expected ").map_or(String::new(), |(_, rest)| rest.replace('`', ""));
            return Self { path, kind: Kind::Unknown(known) };
        }
        Self { path, kind: Kind::Other(sentence) }
    }

    fn finding(&self, tree: &Node) -> Finding {
        let node = tree.nearest(&self.path);
        let (place, expected) = match &self.kind {
            Kind::Unknown(known) => (node.key, format!("is not a known field; expected {known}")),
            Kind::Missing => (node.key, "is missing".to_owned()),
            Kind::Other(sentence) => (node.place, wanted(sentence, &node.value())),
        };
        Finding { place, path: self.path.clone(), expected }
    }

    /// Puts something fitting in its place; none when there is nothing.
    fn mend(&self, tree: &mut Node, shipped: &Node) -> Option<()> {
        let (last, parent) = self.path.split_last()?;
        if let Kind::Unknown(_) = self.kind {
            return tree.remove(&self.path).map(drop);
        }
        let alike = || shipped.any(parent.last()?, last);
        let spare = shipped.at(&self.path).or_else(alike).cloned();
        if let Kind::Missing = self.kind {
            return tree.at_mut(parent)?.entries()?.insert(last.clone(), spare?).map_or(Some(()), |_| None);
        }
        let node = tree.at_mut(&self.path)?;
        match spare {
            // What was shipped is itself at fault.
            Some(spare) if spare.place == node.place => return None,
            Some(spare) => node.content = spare.content,
            None => drop(tree.remove(&self.path)),
        }
        Some(())
    }
}

fn step(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// serde's sentence in words that a reader of the file knows.
fn wanted(sentence: &str, found: &Value) -> String {
    let expected = match sentence.rsplit_once("expected ").map(|(_, rest)| rest) {
        Some(expected) if sentence.starts_with("invalid ") || sentence.starts_with("unknown variant") => expected,
        _ => "an unsigned duration string",
    };
    let expected = match expected {
        "an unsigned duration string" => "a duration such as 250ms, 3s or 5m".to_owned(),
        "usize" | "u32" | "u64" => "a whole number from 0".to_owned(),
        "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        other if other.starts_with("struct ") || other == "a map" => "a section with fields of its own".to_owned(),
        other => other.replace('`', ""),
    };
    let found = match found {
        Value::Object(_) => "a section".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Null => "nothing".to_owned(),
        scalar => scalar.to_string(),
    };
    format!("expected {expected}; found {found}")
}
