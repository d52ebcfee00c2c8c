//! `make eval`: measures retrieval on a judged test set, through a running stack.

use std::{io::Write, path::PathBuf};

use anyhow::{Context, Result, bail};
use tests::{
    api::Api,
    eval::{Selection, run},
};

const USAGE: &str = "usage: eval --data <folder> [--collection <its name>] [--part dev] [--field query] [--type <of queries>] \
                     [--threshold 1] [--api http://127.0.0.1:9000]";

#[tokio::main]
async fn main() -> Result<()> {
    let (url, selection) = settings(std::env::args().skip(1))?;
    let table = run(&Api::new(&url)?, &selection).await?;
    Ok(std::io::stdout().write_all(table.as_bytes())?)
}

fn settings(mut arguments: impl Iterator<Item = String>) -> Result<(String, Selection)> {
    let mut url = "http://127.0.0.1:9000".to_owned();
    let mut collection = None;
    let mut selection = Selection {
        data: PathBuf::new(),
        part: "dev".to_owned(),
        field: "query".to_owned(),
        kind: None,
        threshold: 1,
        collection: String::new(),
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next().context(USAGE)?;
        match name.as_str() {
            "--api" => url = value,
            "--data" => selection.data = value.into(),
            "--part" => selection.part = value,
            "--field" => selection.field = value,
            "--type" => selection.kind = Some(value),
            "--threshold" => selection.threshold = value.parse().context(USAGE)?,
            "--collection" => collection = Some(value),
            _ => bail!(USAGE),
        }
    }
    let folder = selection.data.file_name().context(USAGE)?.to_string_lossy().into_owned();
    selection.collection = collection.unwrap_or(folder);
    Ok((url, selection))
}
