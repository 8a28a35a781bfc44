//! SAML from outside: the demo signer and hand-made responses against the verifier.

mod algorithms;
mod claims;
mod conditions;
mod cost;
pub(crate) mod encrypt;
mod encryption;
mod federation;
pub(crate) mod fixture;
mod honest;
mod logout;
mod metadata;
mod publisher;
mod refresh;
mod service_provider;
mod service_provider_http;
mod service_provider_settings;
mod settings;
mod signature;
mod structure;
mod xml;
