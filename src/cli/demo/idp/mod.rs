//! The demo identity provider.

pub mod saml;
