//! What all five functions share: pooled clients and the concurrency core.
//!
//! The modules are nouns of the domain. Requests come in by [`serve`], leave the process only through
//! [`dependency`], are bounded by [`policy`], and end as a reply or a [`problem`].

#[cfg(feature = "aws")]
pub mod aws;
pub mod breaker;
pub mod clock;
pub mod context;
pub mod contract;
pub mod control;
pub mod core;
pub mod cpu;
pub mod deadline;
pub mod dependency;
pub mod gate;
#[cfg(feature = "http")]
pub mod http;
pub mod identity;
#[cfg(feature = "invoke")]
pub mod invoke;
pub mod metrics;
#[cfg(feature = "model")]
pub mod model;
pub mod phi;
pub mod policy;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod principal;
pub mod problem;
pub mod rate;
pub mod scope;
pub mod serve;
pub mod telemetry;
pub mod watermark;
