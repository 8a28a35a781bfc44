//! `[console]` and `[portal]`

use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::span::Span;

/// `[console]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleSettings {
    /// Origins besides `public_url` that a sign-in may land on, such as
    /// `https://console.example.com`. Anything else is refused, so that the sign-in URL is no open
    /// redirect.
    pub destinations: Vec<String>,
    /// Origins of in-house portals that make sign-in URLs, such as `https://intranet.example.com`. Where the URL names a page
    /// there as its `Issuer`, whoever comes with a stale URL, or whose console is over, is led back to it. Any other
    /// `Issuer` is ignored.
    pub issuers: Vec<String>,
    /// Whether a sign-in token opens consoles as often as one likes for its 15 minutes, as AWS's do, instead of once. Whoever
    /// finds such a URL in a history or a log in that time is signed in by it. Default `false`.
    pub reuse_signin_tokens: bool,
    /// After how long without a visit to a page of the broker a browser must sign in again, such as `30m`. Default: no
    /// such limit.
    pub idle: Option<Span>,
    /// After how long a browser must sign in again in any case, such as `8h`. Default: when its credentials end, or the time
    /// that the sign-in URL asked for.
    pub lifetime: Option<Span>,
    /// How many consoles of one person a browser may have open at once, 1 to 5; with 1, a console takes the place of the one
    /// before. Default: 5.
    pub side_by_side: Option<usize>,
    /// How many browsers of one person may be signed in at once. One more ends the one that signed in first. Default: any
    /// number.
    pub most_sessions: Option<NonZeroUsize>,
    /// What a browser's session is bound to: `program` (the kind of browser and system, such as Firefox on Linux),
    /// `address` (the client's). Elsewhere its cookie opens nothing. Default: nothing.
    pub bound_to: Vec<Binding>,
}

/// `[portal]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PortalSettings {
    /// How long somebody who signed in at the portal may choose roles there without signing in again, such as `4h`. Default
    /// `8h`.
    pub lifetime: Option<Span>,
    /// Whether people who look for a role that is not theirs are told that it exists, which rules offer it, and which part of
    /// a rule's condition does not hold for them. Default `false`: they are told what their provider says of them, and that
    /// no rule offers such a role.
    pub shows_rules: bool,
}

/// An entry of `console.bound_to`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// The kind of program.
    Program,
    /// The client's address.
    Address,
}
