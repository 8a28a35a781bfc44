//! Single logout from outside: the provider's messages, and ours.

mod fixture;
mod messages;
mod ours;
mod signature;
