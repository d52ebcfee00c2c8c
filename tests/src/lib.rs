//! End-to-end tests on real parts, and the provider simulator that stands in for third parties.

pub mod api;
pub mod assembly;
pub mod eval;
pub mod fleet;
pub mod parts;
pub mod simulator;
