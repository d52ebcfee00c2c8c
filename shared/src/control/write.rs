//! A conditional change of one item, as data.

use super::{Attribute, Item, Value};

/// What must hold of one attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// It is not there.
    Absent(Attribute),
    /// It is there.
    Present(Attribute),
    /// It is there and equal.
    Equals(Attribute, Value),
    /// It is there and another.
    Differs(Attribute, Value),
    /// It is there, a number, and not above.
    AtMost(Attribute, i64),
    /// It is there, a number, and above.
    Above(Attribute, i64),
}

/// Tests, and what becomes true when they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Write {
    /// Of each inner list one test must hold.
    pub when: Vec<Vec<Test>>,
    /// Attributes that get a value.
    pub set: Vec<(Attribute, Value)>,
    /// Numbers that grow; an absent one counts as zero.
    pub add: Vec<(Attribute, i64)>,
    /// Attributes that go.
    pub remove: Vec<Attribute>,
}

impl Test {
    /// Whether it holds of `item`; of an item that is not there, only [`Test::Absent`] holds.
    pub fn holds(&self, item: Option<&Item>) -> bool {
        let value = |name: &Attribute| item.and_then(|item| item.get(name));
        match self {
            Self::Absent(name) => value(name).is_none(),
            Self::Present(name) => value(name).is_some(),
            Self::Equals(name, expected) => value(name) == Some(expected),
            Self::Differs(name, other) => value(name).is_some_and(|value| value != other),
            Self::AtMost(name, limit) => matches!(value(name), Some(Value::Number(number)) if number <= limit),
            Self::Above(name, limit) => matches!(value(name), Some(Value::Number(number)) if number > limit),
        }
    }
}

impl Write {
    /// A change that is made when `tests` hold.
    pub fn when(tests: impl IntoIterator<Item = Test>) -> Self {
        Self { when: tests.into_iter().map(|test| vec![test]).collect(), ..Self::default() }
    }

    /// .. and one of `tests`.
    #[must_use]
    pub fn and_any(mut self, tests: impl IntoIterator<Item = Test>) -> Self {
        self.when.push(tests.into_iter().collect());
        self
    }

    /// .. gives an attribute a value; the last word counts, as the store takes one for each attribute.
    #[must_use]
    pub fn set(mut self, attribute: Attribute, value: impl Into<Value>) -> Self {
        self.set.retain(|(name, _)| *name != attribute);
        self.set.push((attribute, value.into()));
        self
    }

    /// .. adds to a number.
    #[must_use]
    pub fn add(mut self, attribute: Attribute, amount: i64) -> Self {
        self.add.push((attribute, amount));
        self
    }

    /// .. takes attributes away.
    #[must_use]
    pub fn remove(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.remove.extend(attributes);
        self
    }

    /// Changes `item`, unless a test does not hold.
    pub fn change(&self, item: &mut Option<Item>) {
        if let Some(after) = self.apply(item.as_ref()) {
            *item = Some(after);
        }
    }

    /// The item after the change, or none when a test does not hold.
    pub fn apply(&self, item: Option<&Item>) -> Option<Item> {
        if !self.when.iter().all(|any| any.iter().any(|test| test.holds(item))) {
            return None;
        }
        let mut after = item.cloned().unwrap_or_default();
        for (name, value) in &self.set {
            after.set(name, value.clone());
        }
        for (name, amount) in &self.add {
            // What an update reads is what was there before it.
            let before = item.and_then(|item| item.number(name)).unwrap_or(0);
            after.set(name, Value::Number(before.saturating_add(*amount)));
        }
        for name in &self.remove {
            after.remove(name);
        }
        Some(after)
    }
}
