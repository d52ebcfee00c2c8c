//! Retrieval measured on a judged test set, through the API of a running stack: `make eval`.
//!
//! A set is a folder: `<part>/queries.jsonl` (`qid` and the queries' texts by field), `<part>/qrels.tsv`
//! (`qid`, `docid`, `rel` under a header line). Its corpus was ingested before, into a collection.

mod measures;
mod set;
mod table;
pub mod training;

use std::{convert::Infallible, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use shared::{clock, contract::retrieve::RetrieveReply, scope::Scope};

pub use measures::Measures;
pub use set::{Judged, Selection};

use crate::api::Api;

/// Questions at the same time.
const AT_ONCE: usize = 4;
/// What is asked for, and what the measures look at. Who asks for more makes the searches look further, and gets another
/// order.
const ASKED: usize = 10;
/// Of the fusion all is asked for: the places of both lists are in it.
const DEPTH: usize = 50;
/// A refused question is asked again, this often at most.
const ATTEMPTS: u32 = 6;

/// What came back for one query.
#[derive(Debug)]
struct Answered {
    reply: Option<RetrieveReply>,
    took: Duration,
}

/// Asks all queries of the set, without the reranker and with it, and writes the table.
///
/// # Errors
/// When the set cannot be read, or no query was answered.
pub async fn run(api: &Api, selection: &Selection) -> Result<String> {
    let judged = selection.read()?;
    let fused = ask(api, selection, &judged, &json!({"k": DEPTH, "rerank": false})).await;
    let answered = ask(api, selection, &judged, &json!({"k": ASKED, "rerank": true})).await;
    let failed = answered.iter().filter(|answer| answer.reply.is_none()).count();
    ensure!(failed < answered.len(), "none of {failed} queries was answered: is {} ingested?", selection.collection);
    Ok(table::of(selection, &judged, &fused, &answered))
}

async fn ask(api: &Api, selection: &Selection, judged: &[Judged], how: &Value) -> Vec<Answered> {
    let mut scope = Scope::<Answered, Infallible>::new(AT_ONCE);
    for query in judged {
        let mut body = how.clone();
        body["query"] = query.text.as_str().into();
        body["collection"] = selection.collection.as_str().into();
        let api = api.clone();
        scope.required(async move { Ok(answer(&api, &body).await) });
    }
    let ends = scope.join().await.unwrap_or_default();
    ends.into_iter().map(|end| end.unwrap_or(Answered { reply: None, took: Duration::ZERO })).collect()
}

async fn answer(api: &Api, body: &Value) -> Answered {
    for _ in 0..ATTEMPTS {
        let began = clock::now();
        let Ok(answer) = api.post("/v1/retrieve", body).await else { continue };
        let took = clock::now() - began;
        if ![429, 503].contains(&answer.status) {
            return Answered { reply: parsed(answer.status, &answer.text).ok(), took };
        }
        let pause: u64 = answer.header("retry-after").parse().unwrap_or(1);
        tokio::time::sleep(Duration::from_secs(pause.min(5))).await;
    }
    Answered { reply: None, took: Duration::ZERO }
}

fn parsed(status: u16, text: &str) -> Result<RetrieveReply> {
    ensure!(status == 200, "status {status}");
    serde_json::from_str(text).context("the reply is not of the contract's form")
}
