//! The circuit breaker.

use crate::control::Attribute;

/// The attributes of a breaker's item.
pub const ATTRIBUTES: &[Attribute] = &["v", "st"];
