//! What all five functions share: pooled clients and the concurrency core.
//!
//! The modules are nouns of the domain. Requests come in by [`serve`], leave the process only through
//! [`dependency`], are bounded by [`policy`], and end as a reply or a [`problem`].

#[cfg(any(feature = "dynamo", feature = "invoke"))]
pub mod aws;
pub mod clock;
pub mod contract;
pub mod deadline;
pub mod dependency;
#[cfg(feature = "dynamo")]
pub mod dynamo;
pub mod gate;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "invoke")]
pub mod invoke;
#[cfg(feature = "model")]
pub mod model;
pub mod phi;
pub mod policy;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod principal;
pub mod problem;
pub mod serve;
pub mod telemetry;
