//! SAML from outside: the demo signer and hand-made responses against the verifier.

mod algorithms;
mod claims;
mod conditions;
#[allow(dead_code)] // Until responses are decrypted.
mod encrypt;
mod fixture;
mod honest;
mod metadata;
mod settings;
mod signature;
mod structure;
mod xml;
