//! Server-sent events of a streamed chat: `meta`, `delta`, `citation`, `done`, `error`. Where the function runs buffered
//! the same bytes come whole.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use serde_json::json;
use shared::{
    contract::chat::Usage,
    deadline::Deadline,
    model::{ChatModel, ModelPiece},
    policy::Policy,
    problem::Problem,
    scope::Scope,
    serve::Reply,
};
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    answer::Sentence,
    chat::Gathered,
    compose::{from_sentences, marks, model},
    config::Config,
    deliver::Delivery,
    source::Source,
};

/// Events on their way that the client has not taken yet.
const BUFFERED_EVENTS: usize = 16;

/// What a streamed answer is written with.
struct Writer {
    config: Arc<Config>,
    policy: Arc<Policy>,
    delivery: Delivery,
    events: Sender<Bytes>,
    deadline: Deadline,
    usage: Option<Usage>,
}

/// The reply that streams the answer to what was gathered. Dropping it stops the work.
pub fn reply(config: Arc<Config>, policy: Arc<Policy>, gathered: Gathered) -> Reply {
    let (events, received) = channel(BUFFERED_EVENTS);
    let deadline = gathered.call.stream_deadline;
    let request_id = gathered.call.request_id.clone();
    let writer =
        Writer { config, policy, delivery: Delivery::new(gathered), events: events.clone(), deadline, usage: None };
    let mut work = Scope::<(), Infallible>::new(1);
    work.required(async move {
        let written = deadline.bound("the stream", Box::pin(writer.write())).await.map_err(Problem::from).flatten();
        if let Err(problem) = written {
            let _ = events.send(event("error", &problem.body("/v1/chat", &request_id))).await;
        }
        Ok(())
    });
    Reply::pieces("text/event-stream", with_work(ReceiverStream::new(received), work))
}

/// The stream owns the task that feeds it.
fn with_work(events: impl Stream<Item = Bytes>, work: Scope<(), Infallible>) -> impl Stream<Item = Bytes> {
    events.map(move |event| {
        let _work = &work;
        event
    })
}

impl Writer {
    async fn write(mut self) -> Result<(), Problem> {
        let gathered = self.delivery.gathered();
        let conversation_id = gathered.question.conversation_id.clone();
        self.send(
            "meta",
            &json!({"id": self.delivery.id, "conversation_id": conversation_id, "language": self.delivery.target()}),
        )
        .await;
        match self.config.model.clone() {
            Some(model) if !self.delivery.gathered().sources.is_empty() => self.write_from_model(&model).await?,
            _ => self.write_from_sentences().await?,
        }
        let Self { delivery, events, usage, .. } = self;
        let reply = delivery.into_reply(usage);
        for citation in &reply.citations {
            let _ = events.send(event("citation", citation)).await;
        }
        let _ = events.send(event("done", &reply)).await;
        Ok(())
    }

    async fn write_from_sentences(&mut self) -> Result<(), Problem> {
        let gathered = self.delivery.gathered();
        let (answer, sources) = from_sentences(gathered.task()).numbered(&gathered.sources);
        for sentence in answer.sentences {
            self.deliver(vec![sentence], &sources).await?;
        }
        Ok(())
    }

    /// Sentence by sentence, as soon as each is finished. A model that fails before its first sentence is replaced by
    /// the sources' own sentences; one that fails later leaves an answer that says it is cut.
    async fn write_from_model(&mut self, chat_model: &ChatModel) -> Result<(), Problem> {
        let gathered = self.delivery.gathered();
        let (messages, first_byte) = (model::messages(gathered.task()), gathered.call.deadline);
        let sources = gathered.sources.clone();
        let pieces = chat_model.stream(first_byte, self.deadline, &messages, model::MAX_TOKENS).await;
        let mut pieces = match pieces {
            Ok(pieces) => pieces,
            Err(error) => return self.fall_back(error.reason()).await,
        };
        let (mut text, mut delivered) = (String::new(), false);
        loop {
            let wait = if delivered { self.deadline } else { first_byte };
            match wait.bound("the model", pieces.next()).await {
                Ok(Some(Ok(ModelPiece::Text(more)))) => text.push_str(&more),
                Ok(Some(Ok(ModelPiece::Usage(usage)))) => self.usage = Some(usage),
                Ok(None) => break,
                Ok(Some(Err(error))) if !delivered => return self.fall_back(error.reason()).await,
                Err(_) if !delivered => return self.fall_back("timeout").await,
                Ok(Some(Err(_))) | Err(_) => {
                    self.degrade("cut_short");
                    break;
                }
            }
            let finished: String = text.drain(..marks::finished(&text)).collect();
            delivered |= self.deliver(marks::read(&finished, sources.len()), &sources).await?;
        }
        self.deliver(marks::read(&text, sources.len()), &sources).await.map(|_| ())
    }

    async fn fall_back(&mut self, reason: &str) -> Result<(), Problem> {
        self.degrade(reason);
        self.write_from_sentences().await
    }

    fn degrade(&mut self, reason: &str) {
        let degraded = shared::contract::Degradation::new("compose", reason);
        self.delivery.gathered().degraded.push(degraded);
    }

    /// Whether anything was sent.
    async fn deliver(&mut self, sentences: Vec<Sentence>, sources: &[Source]) -> Result<bool, Problem> {
        if sentences.is_empty() {
            return Ok(false);
        }
        let added = self.delivery.add(&self.config, &self.policy, self.deadline, sentences, sources).await?;
        self.send("delta", &json!({ "text": added })).await;
        Ok(true)
    }

    /// A client that has gone drops the whole stream, and this task with it.
    async fn send<T: Serialize>(&self, name: &str, data: &T) {
        let _ = self.events.send(event(name, data)).await;
    }
}

fn event<T: Serialize>(name: &str, data: &T) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}
