//! `rolegate explain`, as a user runs it.

mod answers;
mod redaction;
mod rights;
mod rules;
mod shapes;
mod tokens;
mod usage;
mod world;
