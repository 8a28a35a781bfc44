//! Rolegate, a federation broker: *who my company, my phone or my pipeline says I am* becomes
//! *what I may do here, for the next hour*.
//!
//! Every way in is one sentence, and [`broker::RequestContext::federate`] is that sentence:
//!
//! > parse → verify → map → authorize → issue → claim → record → deliver
//!
//! A room imports only rooms on lower floors; `tests/it/tidy.rs` holds the table and fails on
//! an upward import. `ARCHITECTURE.md` walks through the house.

// For what is read by tests of the library and by others alike.
#[cfg(test)]
extern crate self as rolegate;

pub mod app;
pub mod arn;
pub mod audit;
pub mod broker;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod directory;
pub mod entropy;
pub mod fetch;
pub mod http;
pub mod identity;
pub mod issuer;
pub mod network;
pub mod policy;
pub mod seal;
pub mod secret;
pub mod store;
pub mod telemetry;
pub mod watched_file;
