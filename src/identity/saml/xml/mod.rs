//! XML as this verifier knows it: a strict part of XML 1.0 with one table of limits, read once into
//! a tree, and written in canonical form.
//!
//! `scan` looks over the bytes, `parse` makes the [`Tree`], `c14n` writes it; `chars` knows the
//! characters of both directions. What is hashed and what is read goes through the same code.

pub(super) mod c14n;
pub(super) mod chars;
pub(super) mod parse;
pub(super) mod scan;
pub(super) mod tree;

pub(super) use self::c14n::canonicalize;
pub(super) use self::parse::parse;
pub(super) use self::scan::{Limits, RESPONSE};
pub(super) use self::tree::{Element, Tree};
use crate::identity::VerifyError;

/// Reads a document that came from outside. Bytes that we wrote ourselves need no `scan`.
pub(super) fn read<'x>(document: &'x [u8], limits: &Limits) -> Result<Tree<'x>, VerifyError> {
    parse(scan::scan(document, limits)?, limits)
}
