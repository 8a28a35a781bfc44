//! The authorization server from outside: a broker on a port, asked as clients ask it.

mod documents;
mod world;
