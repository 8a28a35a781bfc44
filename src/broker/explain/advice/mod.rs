//! What to do about a refusal: one sentence for each.
//!
//! A new check in `identity::saml` or `identity::oidc` needs a row in [`checks`]; a test here looks for one.

mod checks;

use self::checks::known;
use crate::broker::Refusal;
use crate::policy::{Denial, SessionNameFault, TrustRefusal};

/// Where the signature names a certificate that the metadata does not have.
const UNKNOWN_CERTIFICATE: &str = "The provider signs with a certificate that its metadata here does not have: refresh the metadata. \
     If the new metadata does not have it either, somebody else signed this.";

/// What to do where nothing better is known; every check that exists has something better.
const UNKNOWN: &str = "The log of the identity provider may know more.";

/// Whether what `check` sees is never about a person. A check that is not known may be.
pub(super) fn is_impersonal(check: &str) -> bool {
    known(check).is_some_and(|known| known.impersonal)
}

/// What to do about a check that failed.
pub(super) fn of_check(check: &str, is_unknown_certificate: bool) -> &'static str {
    if is_unknown_certificate && check == "saml.signature.value" {
        return UNKNOWN_CERTIFICATE;
    }
    known(check).map_or(UNKNOWN, |known| known.advice)
}

/// What to do about a refusal.
pub(super) fn of(refusal: &Refusal, is_unknown_certificate: bool) -> &'static str {
    match refusal {
        Refusal::NoRoles { .. } => {
            "Compare the rules' conditions with the attributes that they saw: mend a rule, or what the \
             provider sends."
        }
        Refusal::NotOffered { .. } => {
            "Add the role to a rule that matches, or let the rule match; grant = \"trust-policy\" offers \
             every role by its trust policy alone. What a rule denies, nothing offers."
        }
        Refusal::Denied(denial) => of_denial(denial),
        other => of_check(other.check(), is_unknown_certificate),
    }
}

/// What is wrong, and what was seen where that may be about a person.
pub(super) fn told(refusal: &Refusal) -> (String, Option<String>) {
    match refusal {
        Refusal::NotBelieved(error) => {
            (format!("expected {}", error.expected()), Some(error.seen().to_owned()))
        }
        Refusal::UnknownProvider { seen } => {
            ("no identity provider is configured for this issuer".to_owned(), Some(seen.clone()))
        }
        // A note says so where there is no such role.
        Refusal::NotOffered { role } => (format!("no rule offers {role} to this person"), None),
        Refusal::NoRoles { provider, .. } => {
            (format!("no rule offers a role to this person of provider {provider}"), None)
        }
        Refusal::Denied(Denial::SessionName(SessionNameFault::Malformed { name, source_of_name })) => {
            let reason =
                format!("the session name from {source_of_name} is not 2 to 64 of [a-zA-Z_0-9+=,.@-]");
            (reason, Some(name.clone()))
        }
        Refusal::Denied(Denial::SourceIdentity(text)) => {
            let reason = "the source identity is not 2 to 64 of [a-zA-Z_0-9+=,.@-], or begins with aws:";
            (reason.to_owned(), Some(text.clone()))
        }
        other => (other.to_string(), None),
    }
}

fn of_denial(denial: &Denial) -> &'static str {
    match denial {
        Denial::NotTrusted(untrusted) => match untrusted.reason {
            TrustRefusal::NoSuchRole => "Declare the role as a [[role]] with a trust policy.",
            TrustRefusal::ForeignProvider => {
                "A role trusts providers of its own account only: declare the provider there too."
            }
            TrustRefusal::ImplicitDeny => {
                "Mend the element of the role's trust policy that does not fit, as shown statement by \
                 statement, or what the provider sends."
            }
            TrustRefusal::ExplicitDeny(_) => {
                "A Deny of the role's trust policy applies, and nothing outweighs it: it is meant, or too \
                 wide."
            }
        },
        Denial::Caller(_) => "Mend the policies of the caller or the trust policy of the role.",
        Denial::RoleNotInToken => "Let the issuer name the role in the token's roles claim.",
        Denial::SessionName(SessionNameFault::Missing) => {
            "Set session_name in the rule, such as 'attr.email[0]', or let the provider send \
             RoleSessionName; callers of the STS API send one of their own (--session-name)."
        }
        Denial::SessionName(SessionNameFault::Malformed { .. }) | Denial::SourceIdentity(_) => {
            "Take it from an attribute that fits, such as a mail address or a login name."
        }
        Denial::Tags(_) => "Mend the tags of the rule, or the PrincipalTag attributes of the provider.",
        Denial::DurationOverRoleMaximum { .. } => "Ask for less, or raise max_session_duration of the role.",
        Denial::TooLarge { .. } => "Set fewer or shorter tags.",
        Denial::NoSuchPolicy(_) => "Declare the policy as a [[policy]] of the role's account.",
        Denial::SessionPolicy(_) => "Mend the session policy that the caller sends.",
        Denial::SignInTooOld { seen: None, .. } => {
            "Let the provider say when people sign in (SAML AuthnInstant, OpenID Connect auth_time), or take \
             signed_in_within out of the role."
        }
        Denial::SignInTooOld { .. } => {
            "Sign in at the provider again, or raise signed_in_within of the role."
        }
        Denial::SessionOver => "Sign in at the provider again: its session is over.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The names of checks in the sources of the verifiers: string literals that begin with `saml.` or
    /// `oidc.`. Nobody explains what a provider posts behind the browser's back.
    fn checks_in(path: &Path, found: &mut BTreeSet<String>) {
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| checks_in(&entry.unwrap().path(), found));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(path).unwrap();
            let literals = text.split('"').filter(|part| {
                (part.starts_with("saml.") || part.starts_with("oidc."))
                    && !part.starts_with("oidc.logout.")
                    && part.bytes().all(|b| b.is_ascii_lowercase() || b".-".contains(&b))
            });
            found.extend(literals.map(str::to_owned));
        }
    }

    #[test]
    fn every_check_has_its_advice() {
        let mut found = BTreeSet::new();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        checks_in(&sources.join("identity/saml"), &mut found);
        checks_in(&sources.join("identity/oidc"), &mut found);
        checks_in(&sources.join("broker/federate.rs"), &mut found);
        assert!(found.len() > 100, "the checks were not found: {found:?}");
        let missing: Vec<_> = found.iter().filter(|check| known(check).is_none()).collect();
        assert!(missing.is_empty(), "checks without a row in advice/checks: {missing:?}");
    }
}
