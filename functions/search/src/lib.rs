//! Searches the live web for what documents do not hold: news, this year's amounts, a form's current page.
//!
//! The query leaves our account, so it is [`shared::phi::Masked`] by type; a direct request leaks no more than a chat.
//! What comes back is data that strangers wrote: it is parsed, bounded and cleaned here ([`page`]), its hosts are
//! ranked by what they are ([`trust`]), and whoever uses it runs it through sanitize first.
//!
//! Search is an extra. When no provider is configured, or it fails, the reply is 200 with no results and the reason.

pub mod cache;
pub mod config;
pub mod desk;
pub mod error;
pub mod handler;
pub mod html;
pub mod page;
pub mod provider;
pub mod tavily;
pub mod trust;
