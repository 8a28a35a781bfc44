//! OpenID Connect from outside: logins, and how they end.

mod answers;
mod backchannel;
mod groups;
pub(crate) mod issuer;
mod logout_tokens;
mod replay;
mod settings;
mod sign_out;
mod userinfo;
pub(crate) mod world;
