//! Single logout from outside: the provider's messages, and ours.

mod fixture;
pub(crate) mod flaky;
mod flows;
mod lifetimes;
mod messages;
mod ours;
mod own_sessions;
mod sign_out;
mod signature;
pub(crate) mod world;
