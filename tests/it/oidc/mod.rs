//! OpenID Connect from outside: logins, and how they end.

mod answers;
mod backchannel;
mod groups;
mod issuer;
mod logout_tokens;
mod replay;
mod settings;
mod sign_out;
mod userinfo;
mod world;
