//! The fleet's memory: small items that breakers and limiters share, changed only by conditional writes.
//!
//! A change is a [`Write`]: tests that must hold and what becomes true. It is plain data. [`Write::apply`] gives it
//! its meaning, [`Table`] says the same to DynamoDB, and a contract suite holds the two together; so the protocols
//! that are model-checked are the ones that run.

mod allowed;
mod item;
#[cfg(feature = "dynamo")]
mod table;
mod write;

use std::fmt::Debug;

use futures_util::future::BoxFuture;

pub use self::{
    allowed::Allowed,
    item::{Attribute, Item, Value},
    write::{Test, Write},
};
#[cfg(feature = "dynamo")]
pub use table::Table;

use crate::{core::Core, deadline::Deadline};

/// The name of the table in policy, health and status.
pub const CONTROL_TABLE: &str = "control_table";

/// How a conditional write ended. Both ways, the item as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// All tests held.
    Done(Item),
    /// A test did not hold: nothing changed. None: there is no item.
    Lost(Option<Item>),
}

impl Written {
    /// The item as it is now, and whether the change was made.
    pub fn seen(self) -> (Option<Item>, bool) {
        match self {
            Self::Done(item) => (Some(item), true),
            Self::Lost(item) => (item, false),
        }
    }
}

/// The memory did not answer in time, or with a fault; a write may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the control table is {0}")]
pub struct StoreFault(pub &'static str);

/// Where the items are.
pub trait Store: Debug + Send + Sync {
    /// Reads one item; it may be a moment old.
    fn read<'a>(&'a self, deadline: Deadline, key: &'a str) -> BoxFuture<'a, Result<Option<Item>, StoreFault>>;

    /// Changes one item, if its tests hold.
    fn write<'a>(
        &'a self,
        deadline: Deadline,
        key: &'a str,
        write: &'a Write,
    ) -> BoxFuture<'a, Result<Written, StoreFault>>;

    /// How far this process's clock is ahead of the memory's, in milliseconds, as far as known.
    fn clock_skew_ms(&self) -> i64 {
        0
    }
}

/// The table's name, when it is configured and cannot be read.
pub async fn missing(core: &Core, deadline: Deadline) -> Option<String> {
    core.store()?.read(deadline, "health").await.err().map(|_| CONTROL_TABLE.to_owned())
}
