//! Roles offered and allowed.
