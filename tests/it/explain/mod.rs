//! `rolegate explain`, as a user runs it.

mod answers;
mod redaction;
mod usage;
mod world;
