//! How far our clock is from DynamoDB's, from the `Date` of its answers. Its grain is one second.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use aws_sdk_dynamodb::config::{
    ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeDeserializationInterceptorContextRef,
};

use crate::clock;

/// The last estimate, shared by all clones.
#[derive(Clone, Debug, Default)]
pub(super) struct Skew(Arc<AtomicI64>);

impl Skew {
    /// How far ahead our clock is.
    pub(super) fn milliseconds(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn observe(&self, date: &str) {
        let Ok(theirs) = jiff::fmt::rfc2822::parse(date) else { return };
        let ours = i64::try_from(clock::unix_ms()).unwrap_or(i64::MAX);
        // The second that they name had half passed, on average.
        self.0.store(ours - theirs.timestamp().as_millisecond() - 500, Ordering::Relaxed);
    }
}

impl Intercept for Skew {
    fn name(&self) -> &'static str {
        "clock skew"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), aws_sdk_dynamodb::error::BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.observe(date);
        }
        Ok(())
    }
}
