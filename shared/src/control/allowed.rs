//! The fleet's memory as a request may use it: each wait is paid from the request's allowance.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Item, Store, StoreFault, Write, Written};
use crate::{context, deadline::Deadline};

/// A store whose users wait no longer than the request that they work for can afford.
#[derive(Debug)]
pub struct Allowed(Arc<dyn Store>);

impl Allowed {
    /// `store` for requests.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

/// Runs `work` on the current request's account.
async fn paid<'a, T>(
    deadline: Deadline,
    work: impl FnOnce(Deadline) -> BoxFuture<'a, Result<T, StoreFault>>,
) -> Result<T, StoreFault> {
    let allowance = context::current().store;
    let wait = allowance.wait().ok_or(StoreFault("too slow for this request"))?;
    let deadline = deadline.or_sooner(Deadline::from_instant(wait.until));
    // The store bounds itself too; this one holds whatever it is.
    let done = deadline.bound("the control table", work(deadline)).await;
    done.unwrap_or(Err(StoreFault("slow")))
}

impl Store for Allowed {
    fn read<'a>(&'a self, deadline: Deadline, key: &'a str) -> BoxFuture<'a, Result<Option<Item>, StoreFault>> {
        Box::pin(paid(deadline, move |deadline| self.0.read(deadline, key)))
    }

    fn write<'a>(
        &'a self,
        deadline: Deadline,
        key: &'a str,
        write: &'a Write,
    ) -> BoxFuture<'a, Result<Written, StoreFault>> {
        Box::pin(paid(deadline, move |deadline| self.0.write(deadline, key, write)))
    }

    fn clock_skew_ms(&self) -> i64 {
        self.0.clock_skew_ms()
    }
}
