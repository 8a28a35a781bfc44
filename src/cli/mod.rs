//! Commands and exit codes.

pub mod demo;
