//! Orchestrate: one question in, one cited answer out, in bounded time.
//!
//! The way of `POST /v1/chat`, one module for each step ([`chat`] puts them together):
//!
//! 1. [`guard`] checks the question and masks patient data; a block ends it here (422).
//! 2. [`language`] brings the masked question into English, when it is not, and it is checked again.
//! 3. [`plan`] decides which tools run in which wave; [`wave`] runs them, at most three at once, under one ceiling.
//! 4. [`compose`] writes the answer from the sources: by a chat model when one is configured, else from the best
//!    sentences themselves. Each sentence names its source.
//! 5. [`guard`] checks the answer, [`language`] brings it back, and the patient's own data is put back in.
//!
//! Every step gets what is left of the request, less what the later steps have reserved. A step that the answer can do
//! without becomes a degradation that the reply declares; an answer that was not checked is never sent.

pub mod answer;
pub mod chat;
pub mod compose;
pub mod config;
pub mod deliver;
pub mod error;
pub mod guard;
pub mod handler;
pub mod health;
pub mod language;
pub mod plan;
pub mod request;
pub mod source;
pub mod sse;
pub mod timings;
pub mod tools;
pub mod wave;

pub use config::Config;
pub use handler::Orchestrate;
