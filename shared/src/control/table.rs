//! The control table in DynamoDB, named by the variable `CONTROL_TABLE`. It holds nothing about patients.
//!
//! Every answer of a write, won or lost, brings the item as it is (`ALL_NEW`, `ALL_OLD`), so that nobody has to read
//! again. Reads are eventually consistent: safety rests on the tests of the writes alone.

mod expression;
mod skew;

use std::{collections::HashMap, sync::Arc};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    config::Builder,
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use futures_util::future::BoxFuture;

use super::{CONTROL_TABLE, Item, Store, StoreFault, Value, Write, Written, item};
use crate::{
    deadline::Deadline,
    dependency::{CallError, Dependency, Effect, Verdict},
    policy::Policy,
};
use expression::Expression;
use skew::Skew;

/// The table, its client and its limits. Clones share them.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: Arc<str>,
    dependency: Dependency,
    skew: Skew,
}

impl Table {
    /// The table of this deployment; none when `CONTROL_TABLE` is not set.
    pub fn from_env(sdk: &SdkConfig, policy: &Policy) -> Option<Self> {
        let name = std::env::var("CONTROL_TABLE").ok().filter(|name| !name.is_empty())?;
        Some(Self::new(&name, sdk, policy))
    }

    /// The table `name` of the account that `sdk` speaks to.
    #[expect(clippy::disallowed_methods, reason = "every call of this client goes through the dependency beside it")]
    pub fn new(name: &str, sdk: &SdkConfig, policy: &Policy) -> Self {
        let skew = Skew::default();
        let config = Builder::from(sdk).interceptor(skew.clone()).build();
        let dependency = Dependency::alone(CONTROL_TABLE, policy);
        Self { client: Client::from_conf(config), name: name.into(), dependency, skew }
    }

    /// Its door, for status and for new policies.
    pub fn dependency(&self) -> &Dependency {
        &self.dependency
    }

    async fn get(&self, deadline: Deadline, key: &str) -> Result<Option<Item>, StoreFault> {
        let read = |_| {
            let request = self.client.get_item().table_name(&*self.name).key("pk", AttributeValue::S(key.to_owned()));
            // The SDK's futures are some 10 KB: boxed, or every guarded call would carry one.
            Box::pin(async move { request.send().await.map_err(|_| Unanswered) })
        };
        let output = self.dependency.call(deadline, Effect::Idempotent, read).await.map_err(fault)?;
        Ok(output.item().map(parse))
    }

    async fn update(&self, deadline: Deadline, key: &str, write: &Write) -> Result<Written, StoreFault> {
        let update = |_| Box::pin(self.send(key, write));
        self.dependency.call(deadline, Effect::Once, update).await.map_err(fault)
    }

    async fn send(&self, key: &str, write: &Write) -> Result<Written, Unanswered> {
        let expression = Expression::of(write);
        let request = self.client.update_item().table_name(&*self.name).key("pk", AttributeValue::S(key.to_owned()));
        let request = request
            .set_condition_expression(expression.condition)
            .update_expression(expression.update)
            .set_expression_attribute_names(Some(expression.names))
            .set_expression_attribute_values(Some(expression.values).filter(|values| !values.is_empty()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(output) => Ok(Written::Done(output.attributes().map(parse).unwrap_or_default())),
            Err(error) => match error.into_service_error() {
                UpdateItemError::ConditionalCheckFailedException(lost) => {
                    Ok(Written::Lost(lost.item().filter(|item| !item.is_empty()).map(parse)))
                }
                _ => Err(Unanswered),
            },
        }
    }
}

impl Store for Table {
    fn read<'a>(&'a self, deadline: Deadline, key: &'a str) -> BoxFuture<'a, Result<Option<Item>, StoreFault>> {
        Box::pin(self.get(deadline, key))
    }

    fn write<'a>(
        &'a self,
        deadline: Deadline,
        key: &'a str,
        write: &'a Write,
    ) -> BoxFuture<'a, Result<Written, StoreFault>> {
        Box::pin(self.update(deadline, key, write))
    }

    fn clock_skew_ms(&self) -> i64 {
        self.skew.milliseconds()
    }
}

/// Throttled, broken or not there: for us it is all one.
#[derive(Debug, thiserror::Error)]
#[error("not answered")]
struct Unanswered;

impl crate::dependency::Classify for Unanswered {
    fn verdict(&self) -> Verdict {
        Verdict::Fault
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form of map_err")]
fn fault(error: CallError<Unanswered>) -> StoreFault {
    StoreFault(error.reason())
}

/// What is known of an item; attributes of strangers are not read.
fn parse(attributes: &HashMap<String, AttributeValue>) -> Item {
    let value = |value: &AttributeValue| match value {
        AttributeValue::N(number) => number.parse().ok().map(Value::Number),
        AttributeValue::S(text) => Some(Value::Text(text.clone())),
        AttributeValue::Bool(true) => Some(Value::Mark),
        _ => None,
    };
    attributes.iter().filter_map(|(name, content)| Some((item::known(name)?, value(content)?))).collect()
}
