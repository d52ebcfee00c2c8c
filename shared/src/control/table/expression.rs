//! A [`Write`] in DynamoDB's words. Names and values are always placeholders: half of the good names are reserved.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::control::{Attribute, Test, Value, Write};

/// The parts of an UpdateItem request.
#[derive(Debug, Default)]
pub(super) struct Expression {
    pub(super) condition: Option<String>,
    pub(super) update: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

impl Expression {
    pub(super) fn of(write: &Write) -> Self {
        let mut expression = Self::default();
        let tests: Vec<_> = write.when.iter().map(|any| expression.any(any)).collect();
        expression.condition = (!tests.is_empty()).then(|| tests.join(" AND "));
        expression.update = expression.changes(write);
        expression
    }

    /// DynamoDB refuses parentheses around a single test, and an empty group.
    fn any(&mut self, tests: &[Test]) -> String {
        match tests {
            [] => format!("attribute_exists({0}) AND attribute_not_exists({0})", self.name("pk")),
            [test] => self.test(test),
            tests => {
                let tests: Vec<_> = tests.iter().map(|test| self.test(test)).collect();
                format!("({})", tests.join(" OR "))
            }
        }
    }

    fn test(&mut self, test: &Test) -> String {
        match test {
            Test::Absent(name) => format!("attribute_not_exists({})", self.name(name)),
            Test::Present(name) => format!("attribute_exists({})", self.name(name)),
            Test::Equals(name, value) => format!("{} = {}", self.name(name), self.value(value)),
            // `<>` holds of an absent attribute; ours does not. AND binds closer than OR.
            Test::Differs(name, value) => {
                let name = self.name(name);
                format!("attribute_exists({name}) AND {name} <> {}", self.value(value))
            }
            Test::AtMost(name, limit) => format!("{} <= {}", self.name(name), self.value(&Value::Number(*limit))),
            Test::Above(name, limit) => format!("{} > {}", self.name(name), self.value(&Value::Number(*limit))),
        }
    }

    fn changes(&mut self, write: &Write) -> String {
        let mut sets: Vec<_> =
            write.set.iter().map(|(name, value)| format!("{} = {}", self.name(name), self.value(value))).collect();
        sets.extend(write.add.iter().map(|(name, amount)| {
            let (name, zero) = (self.name(name), self.value(&Value::Number(0)));
            format!("{name} = if_not_exists({name}, {zero}) + {}", self.value(&Value::Number(*amount)))
        }));
        let removes: Vec<_> = write.remove.iter().map(|name| self.name(name)).collect();
        let clause = |word: &str, parts: &[String]| {
            if parts.is_empty() { String::new() } else { format!("{word} {} ", parts.join(", ")) }
        };
        format!("{}{}", clause("SET", &sets), clause("REMOVE", &removes)).trim_end().to_owned()
    }

    fn name(&mut self, attribute: Attribute) -> String {
        let name = format!("#{attribute}");
        self.names.insert(name.clone(), attribute.to_owned());
        name
    }

    fn value(&mut self, value: &Value) -> String {
        let name = format!(":v{}", self.values.len());
        let value = match value {
            Value::Number(number) => AttributeValue::N(number.to_string()),
            Value::Text(text) => AttributeValue::S(text.clone()),
            Value::Mark => AttributeValue::Bool(true),
        };
        self.values.insert(name.clone(), value);
        name
    }
}
