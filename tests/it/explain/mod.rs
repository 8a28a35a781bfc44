//! `rolegate explain`, as a user runs it.

mod answers;
mod redaction;
mod shapes;
mod usage;
mod world;
