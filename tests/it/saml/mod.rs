//! SAML from outside: the demo signer and hand-made responses against the verifier.
//!
//! `suite` says what an attack is, and counts them; each family of attacks has a file.

mod algorithms;
mod attributes;
mod browser;
mod canonical;
mod claims;
mod conditions;
mod confirmation;
mod cost;
mod cross;
mod digests;
mod encodings;
pub(crate) mod encrypt;
mod encrypted;
mod encryption;
mod federation;
pub(crate) mod fixture;
mod forward_auth;
mod honest;
mod keys;
mod limits;
pub(crate) mod logout;
mod metadata;
mod namespaces;
mod old_key;
mod places;
mod pollution;
mod portal;
mod publisher;
mod references;
mod refresh;
mod replay;
mod service_provider;
mod service_provider_http;
mod service_provider_settings;
mod settings;
mod status;
mod step_up;
mod structure;
mod suite;
mod times;
mod transforms;
mod truncation;
mod unsigned;
mod wrapping;
mod xml;
