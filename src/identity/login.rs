//! What names a login at an identity provider when it ends.
//!
//! The provider ends a login by the name and the session that its assertion or token gave (SAML Core
//! 3.7, OpenID Connect Back-Channel Logout 1.0). Session tokens carry both as hashes, so that
//! verifying a credential can tell whether its login is over without knowing who it is. The hashes of
//! an ID token are made in `oidc/session`.

use serde::{Deserialize, Serialize};

use super::hash_of;
use crate::arn::ProviderArn;
use crate::clock::Moment;

/// A login that an assertion or an ID token opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    /// What our session tokens carry of it.
    pub marks: LoginMarks,
    /// How the provider names it.
    pub session: ProviderSession,
    /// When the assertion or token was issued, by the provider's clock.
    pub asserted_at: Moment,
}

/// How a provider names a login, for a sign-out there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProviderSession {
    /// By SAML.
    Saml(SamlSession),
    /// By OpenID Connect.
    Oidc(OidcSession),
}

/// What an OpenID provider is told when one of its logins ends here (RP-Initiated Logout 1.0,
/// section 2). The ID token is not kept for it: it has no bounded size, is a credential at the STS
/// API, and would stand in a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcSession {
    /// `logout_hint`: the ID token's `login_hint`, else its `sid`.
    pub logout_hint: Option<String>,
}

/// The first half of a SHA-256 hash: what a credential is recognised by when its login ends.
pub type LoginMark = [u8; 16];

/// The marks of a login. Equal names at two providers have different marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginMarks {
    /// Of the person at the provider.
    pub subject: LoginMark,
    /// Of each session that the person has there by this login, where one without a name counts as
    /// one. In a logout: of each that ends; none if all of the person's do.
    pub sessions: Vec<LoginMark>,
    /// OpenID Connect: of the person's tokens that name no session. The provider's logouts of any of
    /// their sessions end them too, because it might be theirs; a sign-out here does not.
    pub unnamed: Option<LoginMark>,
}

impl LoginMarks {
    /// What must be revoked to end just this: the sessions, or, where none is named, everything
    /// of the person (SAML Core 3.7.1).
    pub fn ended(&self) -> &[LoginMark] {
        if self.sessions.is_empty() { std::slice::from_ref(&self.subject) } else { &self.sessions }
    }

    /// Every mark.
    pub fn all(&self) -> impl Iterator<Item = &LoginMark> {
        std::iter::once(&self.subject).chain(&self.sessions).chain(&self.unnamed)
    }
}

/// How a SAML identity provider names a login, in its assertion and in a `LogoutRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlSession {
    /// Who.
    pub name_id: NameId,
    /// Each `SessionIndex`, perhaps none.
    pub session_indexes: Vec<String>,
}

/// A `NameID` as it was written (SAML Core 2.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameId {
    /// The name.
    pub value: String,
    /// `Format`
    pub format: Option<String>,
    /// `NameQualifier`
    pub name_qualifier: Option<String>,
    /// `SPNameQualifier`
    pub sp_name_qualifier: Option<String>,
}

impl SamlSession {
    /// The marks of this login at `provider`, whose entity id is `issuer` and to whom we are
    /// `entity_id`. A login whose session has no name gets a mark for that.
    ///
    /// A qualifier that is left out means provider and us (SAML Core 8.3.7), so it is hashed as
    /// such. The `Format` is not: some providers leave it out of their logouts, and a logout that
    /// misses its person is worse than one that finds a namesake at the same provider.
    pub(super) fn marks(&self, provider: &ProviderArn, issuer: &str, entity_id: &str) -> LoginMarks {
        let is_unnamed = self.session_indexes.is_empty();
        self.marked(is_unnamed, provider, issuer, entity_id)
    }

    /// The marks of what ends, where this is what a logout names: its sessions, and the person's
    /// sessions without a name, which might be any of them; or everything of the person.
    pub(super) fn marks_of_logout(
        &self,
        provider: &ProviderArn,
        issuer: &str,
        entity_id: &str,
    ) -> LoginMarks {
        let is_named = !self.session_indexes.is_empty();
        self.marked(is_named, provider, issuer, entity_id)
    }

    fn marked(&self, unnamed: bool, provider: &ProviderArn, issuer: &str, entity_id: &str) -> LoginMarks {
        let name = &self.name_id;
        let parts = [
            provider.as_str(),
            issuer,
            name.value.trim_ascii(),
            name.name_qualifier.as_deref().unwrap_or(issuer),
            name.sp_name_qualifier.as_deref().unwrap_or(entity_id),
        ];
        let mark = |more: &[&str]| half(hash_of(&[&parts, more].concat()));
        let indexes = self.session_indexes.iter().map(|index| index.trim_ascii());
        // No index is empty.
        let indexes = indexes.chain(unnamed.then_some(""));
        let sessions = indexes.map(|index| mark(&[index])).collect();
        LoginMarks { subject: mark(&[]), sessions, unnamed: None }
    }
}

/// The first half of `hash`.
pub(super) fn half(hash: [u8; 32]) -> LoginMark {
    let mut mark = [0; 16];
    mark.copy_from_slice(&hash[..16]);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDP: &str = "https://idp.example.com";
    const US: &str = "https://broker.example.com";

    fn session(value: &str, indexes: &[&str]) -> SamlSession {
        let name_id =
            NameId { value: value.into(), format: None, name_qualifier: None, sp_name_qualifier: None };
        SamlSession { name_id, session_indexes: indexes.iter().map(|index| (*index).into()).collect() }
    }

    fn marks(session: &SamlSession) -> LoginMarks {
        session.marks(&"arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap(), IDP, US)
    }

    #[test]
    fn what_is_left_out_means_the_two_sides() {
        let plain = session("ann", &["_1"]);
        let mut written = session("  ann\n", &["_1 "]);
        written.name_id.format = Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".into());
        written.name_id.name_qualifier = Some(IDP.into());
        written.name_id.sp_name_qualifier = Some(US.into());
        assert_eq!(marks(&plain), marks(&written));
    }

    #[test]
    fn every_part_of_a_name_counts() {
        let plain = marks(&session("ann", &["_1"]));
        let mut foreign = session("ann", &["_1"]);
        foreign.name_id.name_qualifier = Some("https://other.example.com".into());
        let mut affiliated = session("ann", &["_1"]);
        affiliated.name_id.sp_name_qualifier = Some("https://affiliation.example.com".into());
        for other in [session("bob", &["_1"]), foreign, affiliated] {
            let other = marks(&other);
            assert!(other.subject != plain.subject && other.sessions != plain.sessions, "{other:?}");
        }
        let other = marks(&session("ann", &["_2"]));
        assert!(other.subject == plain.subject && other.sessions != plain.sessions);
        let ann = session("ann", &["_1"]);
        let provider = "arn:aws:iam::111122223333:saml-provider/other".parse().unwrap();
        assert_ne!(ann.marks(&provider, IDP, US).subject, plain.subject);
        let provider = "arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap();
        assert_ne!(ann.marks(&provider, "https://idp.example.co", US).subject, plain.subject);
    }

    #[test]
    fn a_logout_ends_the_sessions_and_those_without_a_name_or_else_the_person() {
        let (named, unnamed) = (session("ann", &["_1", "_2"]), session("ann", &[]));
        let logout = |session: &SamlSession| {
            session.marks_of_logout(&"arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap(), IDP, US)
        };
        let (first, second, nameless) =
            (marks(&session("ann", &["_1"])), marks(&session("ann", &["_2"])), marks(&unnamed));
        assert_eq!(marks(&named).ended(), [first.sessions[0], second.sessions[0]]);
        assert_eq!(logout(&named).ended(), [first.sessions[0], second.sessions[0], nameless.sessions[0]]);
        assert_eq!(logout(&unnamed).ended(), [first.subject]);
        assert_eq!(nameless.ended(), nameless.sessions, "who signs out ends this");
        assert_eq!(marks(&named).all().count(), 3);
    }
}
