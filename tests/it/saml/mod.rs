//! SAML from outside: the demo signer and hand-made responses against the verifier.

mod algorithms;
mod claims;
mod conditions;
pub(crate) mod fixture;
mod honest;
mod metadata;
mod signature;
mod structure;
mod xml;
