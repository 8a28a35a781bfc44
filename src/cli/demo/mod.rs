//! `rolegate demo`: the broker and an identity provider to try it with.

pub mod idp;
