//! Roles offered and allowed.

pub mod iam;
