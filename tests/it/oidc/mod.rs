//! OpenID Connect from outside: logins, and how they end.

mod backchannel;
mod issuer;
mod logout_tokens;
mod sign_out;
mod world;
