//! Configuration: [`settings`] as written, [`Snapshot`] as valid.
pub mod document;
pub mod fault;
pub mod settings;
