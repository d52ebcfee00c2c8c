//! Detects languages and translates, by the first provider that can.
//!
//! The way of a text: its language is named by the caller or detected ([`detect`]); its patient data is masked and it
//! is cut into pieces ([`passage`], [`chunk`]); what must survive becomes opaque words ([`protect`]); the providers are
//! asked in order until every piece is translated or the time is over ([`router`], [`provider`]); every translation is
//! checked before it is believed; the pieces are put together and the patient's data is put back ([`desk`]).
//!
//! Nothing is invented: a text that nobody could translate comes back as it was, `quality: original`, with the reason.

pub mod board;
pub mod cache;
pub mod chunk;
pub mod config;
pub mod desk;
pub mod detect;
pub mod error;
pub mod glossary;
pub mod handler;
pub mod language;
pub mod passage;
pub mod protect;
pub mod provider;
pub mod router;
