//! Roles offered and allowed.

pub mod iam;
pub mod rules;
