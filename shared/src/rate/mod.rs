//! Rate limiters.

use crate::control::Attribute;

/// The attributes of a limiter's item.
pub const ATTRIBUTES: &[Attribute] = &["tat"];
/// The places of a window.
pub const RING: &[Attribute] = &[];
