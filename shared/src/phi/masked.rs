//! The only type that may go to a third party.

use std::fmt;

use serde::Serialize;

use super::placeholder;
use super::vault::Vault;
use super::{Scope, Strangers, mask_with};

/// Text in which patient data has been replaced by placeholders. Nothing outside this module can make one, so a client
/// that takes `&Masked` cannot be handed a patient's words.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Masked(String);

impl Masked {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// Masks `text` for good: nothing can be restored. Placeholders that are already there stay.
    pub fn of(text: &str) -> Self {
        mask_with(text, &mut Vault::new(), Scope::Personal, Strangers::Keep).text
    }

    /// Masks public text, such as a page of the web: only what is never public. See [`Scope::Public`].
    pub fn of_public(text: &str) -> Self {
        mask_with(text, &mut Vault::new(), Scope::Public, Strangers::Keep).text
    }

    /// The masked text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text without its placeholders: for services that look words up, to which `[SSN_1]` is noise.
    pub fn without_placeholders(&self) -> Self {
        let mut words = String::with_capacity(self.0.len());
        let mut copied = 0;
        for (range, _) in placeholder::find(&self.0) {
            words.push_str(&self.0[copied..range.start]);
            copied = range.end;
        }
        words.push_str(&self.0[copied..]);
        Self(words.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The first `limit` characters, cut at a space where there is one.
    pub fn truncated(&self, limit: usize) -> Self {
        let Some((end, _)) = self.0.char_indices().nth(limit) else {
            return self.clone();
        };
        let head = &self.0[..end];
        Self(head.rsplit_once(' ').map_or(head, |(words, _)| words).to_owned())
    }

    /// The masked text, owned: for replies to our own caller.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Masked text is still what a patient wrote: logs get its length.
impl fmt::Debug for Masked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Masked({} bytes)", self.0.len())
    }
}
