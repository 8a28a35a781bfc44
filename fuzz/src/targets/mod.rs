//! The targets: what must hold for every input.

mod logout;
mod metadata;
mod responses;
mod tokens;
mod xml;

pub use logout::logout;
pub use metadata::{metadata, signed_metadata};
pub use responses::{encryption, response, signed_content, signed_mutations};
pub use tokens::{key_set, token_content, token_mutations};
pub use xml::xml;

fn shown(document: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(document)
}
