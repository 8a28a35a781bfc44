//! The authorization server from outside: a broker on a port, asked as clients ask it.

mod authorize;
mod clients;
mod console_url;
mod cors;
mod device;
mod documents;
mod dpop;
mod exchange;
pub(crate) mod fixture;
mod introspection;
mod refresh;
mod refused;
mod revocation;
mod settings;
pub(crate) mod world;
