//! Who asks, as principals name it.

use crate::arn::AccountId;

/// Who asks. A policy with principals compares it with them; other policies ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller<'a> {
    /// A person or workload that a federation provider vouches for: the provider's ARN.
    Federated(&'a str),
    /// A user, or a session of a role or of a federated user, that signed its request.
    Aws(AwsCaller<'a>),
    /// A service that acts by itself, such as `ec2.amazonaws.com`.
    Service(&'a str),
    /// A caller of whom no principal need be compared.
    Attached,
}

/// The names of a caller that signed its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwsCaller<'a> {
    /// Its account.
    pub account: AccountId,
    /// Its own ARN: that of the user, or of the session.
    pub arn: &'a str,
    /// The ARN of the session's role, path and all.
    pub role: Option<&'a str>,
    /// Whether a permissions boundary limits it: then no `NotPrincipal` spares it.
    pub has_boundary: bool,
}
