//! What an item holds.

use std::collections::BTreeMap;

/// The name of an attribute. All names are known: what a stranger wrote into an item is not read.
pub type Attribute = &'static str;

/// A number, a short text or a mark.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// Counts, times in milliseconds or microseconds since the epoch.
    Number(i64),
    /// States, tokens.
    Text(String),
    /// Only ever true: it is there or not.
    Mark,
}

/// The attributes that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Item(BTreeMap<Attribute, Value>);

impl Item {
    /// An attribute's value.
    pub fn get(&self, attribute: Attribute) -> Option<&Value> {
        self.0.get(attribute)
    }

    /// A number; none when absent or of another type.
    pub fn number(&self, attribute: Attribute) -> Option<i64> {
        match self.get(attribute)? {
            Value::Number(number) => Some(*number),
            Value::Text(_) | Value::Mark => None,
        }
    }

    /// A text; none when absent or of another type.
    pub fn text(&self, attribute: Attribute) -> Option<&str> {
        match self.get(attribute)? {
            Value::Text(text) => Some(text),
            Value::Number(_) | Value::Mark => None,
        }
    }

    /// Whether it is there.
    pub fn has(&self, attribute: Attribute) -> bool {
        self.0.contains_key(attribute)
    }

    /// Puts a value in.
    pub fn set(&mut self, attribute: Attribute, value: Value) {
        self.0.insert(attribute, value);
    }

    /// Takes a value out.
    pub fn remove(&mut self, attribute: Attribute) {
        self.0.remove(attribute);
    }

    /// All attributes with their values.
    pub fn iter(&self) -> impl Iterator<Item = (Attribute, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

/// Every attribute that an item of ours may have; one list, and one reader for all.
#[cfg(feature = "dynamo")]
pub(super) fn known(name: &str) -> Option<Attribute> {
    let mut all = crate::breaker::ATTRIBUTES.iter().chain(crate::rate::ATTRIBUTES).chain(crate::rate::RING);
    all.find(|attribute| **attribute == name).copied()
}

impl FromIterator<(Attribute, Value)> for Item {
    fn from_iter<I: IntoIterator<Item = (Attribute, Value)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
