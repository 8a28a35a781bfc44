//! Our side, the service provider's: what we ask a provider, sign, and tell of ourselves.
//!
//! A message begins in `request` (or in `logout`), is signed by `sign` with a key of `keys`, and
//! leaves by `binding`; `metadata` is what the provider's administrator is given beforehand.

pub(super) mod binding;
pub(super) mod keys;
pub(super) mod metadata;
pub(super) mod request;
pub(super) mod sign;
