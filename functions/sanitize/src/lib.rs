//! Checks every text on its way in and out: masks patient data, recognises attacks, removes what could leak.
//!
//! The way of a text: it is read in several [`views`] (as it is, without disguises, decoded); patient data and secrets
//! become placeholders (`shared::phi`); [`attack`] rules weigh what reads like an instruction to the model; in what
//! others wrote and in answers, addresses that could carry data away are removed ([`urls`]); the [`verdict`] adds it up.
//!
//! Rules only raise the risk: a single hit is no verdict, and insurance language ("override a denial", "ignore the
//! previous bill") must pass. No classifier is part of this form, and the reply says so.

pub mod attack;
pub mod confusables;
pub mod error;
pub mod handler;
pub mod hidden;
pub mod review;
pub mod urls;
pub mod verdict;
pub mod views;
