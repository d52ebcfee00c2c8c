//! The local stack of Navigator: PostgreSQL with pgvector, DynamoDB, the five built functions under a Lambda Runtime
//! API of their own, AWS Lambda's Invoke, and a gateway that speaks API Gateway's REST events.
//!
//! It is what `make run` runs, and as a library what the tests and benchmarks run on: [`stack::Stack`] puts the parts
//! together, every part can be stopped, killed and started again, and everything listens on loopback.

#![expect(clippy::disallowed_types, reason = "a tool on one machine: its tasks live as long as it does")]

pub mod access;
pub mod apertium;
pub mod capacity;
pub mod cli;
pub mod cluster;
mod command;
pub mod connection;
pub mod corpus;
pub mod dynamo;
pub mod environment;
pub mod event;
pub mod function;
pub mod gateway;
pub mod invocation;
pub mod invoke_api;
mod leftover;
pub mod lifeline;
pub mod logs;
pub mod migrate;
pub mod postgres;
mod privilege;
mod process;
pub mod proxy_response;
pub mod route;
pub mod runtime_api;
pub mod server;
pub mod stack;
pub mod state;
