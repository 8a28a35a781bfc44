//! What the fuzz targets hold the verifiers of SAML and OpenID Connect against. Each target is one function here; the
//! files in `fuzz_targets` only call them.
//!
//! The signed documents and the metadata in `honest/` are fixed, so that an input that was found
//! means the same in every run. `cargo run --manifest-path fuzz/Cargo.toml --example honest`
//! makes them anew from the test suite's fixture.

#[allow(dead_code)]
#[path = "../../tests/it/saml/encrypt.rs"]
mod encrypt;
#[allow(dead_code)]
#[path = "../../tests/it/saml/fixture.rs"]
mod fixture;
pub mod honest;
#[path = "."]
mod logout {
    #[allow(dead_code)]
    #[path = "../../tests/it/saml/logout/fixture.rs"]
    pub(crate) mod fixture;
}
mod mutate;
mod reader;
mod reference;
mod targets;
mod tree;
mod world;

pub use targets::{
    encryption, key_set, logout, metadata, response, signed_content, signed_metadata, signed_mutations,
    token_content, token_mutations, xml,
};
