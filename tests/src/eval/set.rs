//! The queries of a set and their judgements.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Longer queries are cut, in characters.
const LONGEST: usize = 4_000;

/// Which queries of which set, and where their documents are.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The set's folder.
    pub data: PathBuf,
    /// Its part, a folder in it.
    pub part: String,
    /// The field of a query's text.
    pub field: String,
    /// Only queries of this `type`.
    pub kind: Option<String>,
    /// The least `rel` that counts as relevant for reciprocal rank and recall.
    pub threshold: u32,
    /// The collection that holds the documents.
    pub collection: String,
}

/// A query with what is known to be relevant.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Its text.
    pub text: String,
    /// How relevant each judged document is.
    pub relevance: BTreeMap<String, u32>,
}

impl Selection {
    /// The queries that have at least one relevant document.
    ///
    /// # Errors
    /// When a file is missing or not of the expected form; the error names file and line.
    pub fn read(&self) -> Result<Vec<Judged>> {
        let mut relevance = self.judgements()?;
        let (path, text) = self.file("queries.jsonl")?;
        let mut judged = Vec::new();
        for (line, row) in text.lines().enumerate().filter(|(_, row)| !row.trim().is_empty()) {
            let row: Value = serde_json::from_str(row).with_context(|| format!("{path}:{}", line + 1))?;
            let id = row["qid"].as_str().unwrap_or_default();
            let text = row[&self.field].as_str().filter(|text| !text.is_empty());
            let is_wanted = self.kind.as_ref().is_none_or(|kind| row["type"] == kind.as_str());
            let known = relevance.remove(id).filter(|known| known.values().any(|rel| *rel >= self.threshold));
            if let (Some(text), Some(relevance), true) = (text, known, is_wanted) {
                judged.push(Judged { text: text.chars().take(LONGEST).collect(), relevance });
            }
        }
        ensure!(!judged.is_empty(), "{path}: no judged query with the field {}", self.field);
        Ok(judged)
    }

    fn judgements(&self) -> Result<BTreeMap<String, BTreeMap<String, u32>>> {
        let (path, text) = self.file("qrels.tsv")?;
        let mut relevance = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (line, row) in text.lines().enumerate().skip(1) {
            let place = || format!("{path}:{}: expected qid, docid and rel between tabs", line + 1);
            let [query, document, rel] = row.split('\t').collect::<Vec<_>>()[..] else {
                anyhow::bail!(place());
            };
            let rel = rel.trim().parse().with_context(place)?;
            relevance.entry(query.to_owned()).or_default().insert(document.to_owned(), rel);
        }
        Ok(relevance)
    }

    fn file(&self, name: &str) -> Result<(String, String)> {
        let path = self.data.join(&self.part).join(name);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok((path.display().to_string(), text))
    }
}
