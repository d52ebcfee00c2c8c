//! What each placeholder stands for. A vault lives as long as a conversation and never leaves our own account: third
//! parties see placeholders, the patient sees the values again.
//!
//! Each spelling has its own placeholder, so restoring gives back precisely what was written: `unmask(mask(x)) == x`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::kind::Kind;
use super::placeholder::{self, MAX_NUMBER, Placeholder, REDACTED};

/// Most values a vault holds.
pub(super) const MAX_VALUES: usize = 1_000;
/// Most bytes of values a vault holds.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// Placeholders and the values they stand for; bounded by 1,000 values and 64 KiB.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Vault {
    by_placeholder: BTreeMap<Placeholder, String>,
    by_value: HashMap<(Kind, String), Placeholder>,
    last: BTreeMap<Kind, u16>,
    bytes: usize,
    sealed: bool,
}

/// Why a map is not a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// A key is not a placeholder such as `[SSN_1]`.
    #[error("keys must be placeholders such as [SSN_1]")]
    Key,
    /// More than 1,000 values entries or 64 KiB bytes.
    #[error("at most {MAX_VALUES} values and {MAX_BYTES} bytes")]
    Size,
}

impl Vault {
    /// An empty vault.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rebuilds a vault from the map that [`Vault::to_map`] gave.
    ///
    /// # Errors
    /// When a key is no placeholder or the map is over the bounds.
    pub fn from_map(map: BTreeMap<String, String>) -> Result<Self, VaultError> {
        let mut vault = Self::new();
        for (key, value) in map {
            let placeholder = Placeholder::parse(&key).ok_or(VaultError::Key)?;
            if !vault.has_room(&value) {
                return Err(VaultError::Size);
            }
            vault.insert(placeholder, value);
        }
        Ok(vault)
    }

    /// The vault, closed to new values: a value it does not know becomes [`REDACTED`]. For answers, which may name
    /// what the patient named and nothing else.
    pub fn sealed(self) -> Self {
        Self { sealed: true, ..self }
    }

    /// Placeholder → value. Contains PHI: only for stores and hops inside our own account.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.by_placeholder.iter().map(|(placeholder, value)| (placeholder.to_string(), value.clone())).collect()
    }

    /// Number of values held.
    pub fn len(&self) -> usize {
        self.by_placeholder.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.by_placeholder.is_empty()
    }

    /// Puts the values back. Placeholders that the vault does not know stay as they are.
    pub fn unmask(&self, text: &str) -> String {
        let mut restored = String::with_capacity(text.len());
        let mut copied = 0;
        for (range, placeholder) in placeholder::find(text) {
            let Some(value) = self.by_placeholder.get(&placeholder) else {
                continue;
            };
            restored.push_str(&text[copied..range.start]);
            restored.push_str(value);
            copied = range.end;
        }
        restored.push_str(&text[copied..]);
        restored
    }

    pub(super) fn knows(&self, placeholder: Placeholder) -> bool {
        self.by_placeholder.contains_key(&placeholder)
    }

    /// The text that stands in for `value`; the same for the same value, [`REDACTED`] once the vault is full.
    pub(super) fn stand_in(&mut self, kind: Kind, value: &str) -> String {
        if let Some(known) = self.by_value.get(&(kind, value.to_owned())) {
            return known.to_string();
        }
        let number = self.last.get(&kind).copied().unwrap_or(0) + 1;
        if self.sealed || number > MAX_NUMBER || !self.has_room(value) {
            return REDACTED.to_owned();
        }
        let placeholder = Placeholder { kind, number };
        self.insert(placeholder, value.to_owned());
        placeholder.to_string()
    }

    fn has_room(&self, value: &str) -> bool {
        self.len() < MAX_VALUES && self.bytes + value.len() <= MAX_BYTES
    }

    fn insert(&mut self, placeholder: Placeholder, value: String) {
        let last = self.last.entry(placeholder.kind).or_default();
        *last = placeholder.number.max(*last);
        self.bytes += value.len();
        self.by_value.insert((placeholder.kind, value.clone()), placeholder);
        self.by_placeholder.insert(placeholder, value);
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Vault").field("values", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        let mut vault = Vault::new();
        vault.stand_in(Kind::Ssn, "219-09-9999");
        vault
    }

    #[test]
    fn the_same_value_has_the_same_placeholder() {
        let mut vault = vault();
        assert_eq!(vault.stand_in(Kind::Ssn, "219-09-9999"), "[SSN_1]");
        assert_eq!(vault.stand_in(Kind::Ssn, "219 09 9999"), "[SSN_2]");
    }

    #[test]
    fn unmask_tolerates_case_and_spaces_and_keeps_the_unknown() {
        assert_eq!(vault().unmask("a [ssn 1], b [SSN_7]"), "a 219-09-9999, b [SSN_7]");
    }

    #[test]
    fn travels_as_a_map() {
        assert_eq!(Vault::from_map(vault().to_map()), Ok(vault()));
        let forged = BTreeMap::from([("SSN".to_owned(), "x".to_owned())]);
        assert_eq!(Vault::from_map(forged), Err(VaultError::Key));
    }

    #[test]
    fn numbers_go_on_after_the_highest() {
        let mut vault = Vault::from_map(BTreeMap::from([("[SSN_4]".to_owned(), "x".to_owned())])).unwrap();
        assert_eq!(vault.stand_in(Kind::Ssn, "y"), "[SSN_5]");
    }

    #[test]
    fn a_full_vault_redacts() {
        let mut vault = Vault::new();
        assert_eq!(vault.stand_in(Kind::Person, &"x".repeat(MAX_BYTES + 1)), REDACTED);
        let big = BTreeMap::from([("[SSN_1]".to_owned(), "x".repeat(MAX_BYTES + 1))]);
        assert_eq!(Vault::from_map(big), Err(VaultError::Size));
    }

    #[test]
    fn a_sealed_vault_knows_what_it_knew() {
        let mut vault = vault().sealed();
        assert_eq!(vault.stand_in(Kind::Ssn, "219-09-9999"), "[SSN_1]");
        assert_eq!(vault.stand_in(Kind::Ssn, "219-09-9998"), REDACTED);
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", vault()), "Vault { values: 1, .. }");
    }
}
