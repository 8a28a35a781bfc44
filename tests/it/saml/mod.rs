//! SAML from outside: the demo signer and hand-made responses against the verifier.
//!
//! `suite` says what an attack is, and counts them; each family of attacks has a file.

mod algorithms;
mod canonical;
mod claims;
mod conditions;
mod confirmation;
mod cross;
mod digests;
mod encodings;
mod fixture;
mod honest;
mod keys;
mod limits;
mod metadata;
mod namespaces;
mod old_key;
mod places;
mod pollution;
mod references;
mod status;
mod structure;
mod suite;
mod times;
mod transforms;
mod truncation;
mod unsigned;
mod wrapping;
mod xml;
