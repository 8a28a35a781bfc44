//! Everything that is tested from outside the crate, in one binary so that it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod browser_settings;
mod command_line;
mod explain;
mod oauth;
mod oidc;
mod policy;
mod rights;
mod rule_changes;
mod rule_tests;
mod saml;
mod sections;
mod store;
mod sts;
mod tidy;
