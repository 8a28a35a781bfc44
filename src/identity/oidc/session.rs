//! How an ID token, and the logout token that ends what it opened, name a login (OpenID Connect
//! Back-Channel Logout 1.0, section 2.1 and 2.4).
//!
//! A session of the provider is known by its `sid` alone, because a logout token may name it by
//! nothing else. A token without one came of a session that nobody can tell from the person's
//! others, so a logout of any of them by name ends it too: a logout that misses its person is worse
//! than one too many. Workloads lose nothing by it: no provider logs out the `sub` of a pipeline or
//! a service account, and a token that is fetched anew is as good as before. By the sign-out button
//! a token without `sid` ends itself only: a person who leaves the console must not stop their phone.

use serde_json::{Map, Value};

use crate::arn::ProviderArn;
use crate::clock::Moment;
use crate::identity::login::half;
use crate::identity::{Login, LoginMark, LoginMarks, OidcSession, ProviderSession, hash_of};

/// Longest hint, in bytes, that a console session remembers for the provider.
const LONGEST_HINT: usize = 512;

/// The names that one provider gives to logins.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// The provider's ARN: equal names at two providers are two.
    pub(super) provider: &'a ProviderArn,
    /// Its issuer.
    pub(super) issuer: &'a str,
}

impl Names<'_> {
    /// The login that the verified ID token `claims` opens for `subject`, issued at `asserted_at`.
    pub(super) fn login(self, claims: &Map<String, Value>, subject: &str, asserted_at: Moment) -> Login {
        let sid = session_id(claims);
        let (person, any_unnamed) = self.person(subject);
        let marks = match sid {
            Some(sid) => LoginMarks { subject: person, sessions: vec![self.session(sid)], unnamed: None },
            None => {
                let own = self.token(claims, subject, asserted_at);
                LoginMarks { subject: person, sessions: vec![own], unnamed: Some(any_unnamed) }
            }
        };
        let hint = claims.get("login_hint").and_then(Value::as_str).or(sid);
        let hint = hint.filter(|hint| !hint.is_empty() && hint.len() <= LONGEST_HINT);
        let session = ProviderSession::Oidc(OidcSession { logout_hint: hint.map(str::to_owned) });
        Login { marks, session, asserted_at }
    }

    /// The marks of all logins of a person, and of those of them that name no session.
    pub(super) fn person(self, subject: &str) -> (LoginMark, LoginMark) {
        let hash = self.hash("oidc/person", &[subject]);
        let mut unnamed = LoginMark::default();
        unnamed.copy_from_slice(&hash[16..]);
        (half(hash), unnamed)
    }

    /// The mark of the provider's session called `sid`.
    pub(super) fn session(self, sid: &str) -> LoginMark {
        half(self.hash("oidc/session", &[sid]))
    }

    /// The mark of one token that names no session. Not of its text: an ECDSA signature can be
    /// rewritten by anybody, and the token would have another mark.
    fn token(self, claims: &Map<String, Value>, subject: &str, issued: Moment) -> LoginMark {
        let text = |name| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let issued = issued.unix().to_string();
        half(self.hash("oidc/token", &[subject, &issued, text("jti"), text("nonce")]))
    }

    fn hash(self, what: &str, names: &[&str]) -> [u8; 32] {
        hash_of(&[&[what, self.provider.as_str(), self.issuer], names].concat())
    }
}

/// The `sid` of an ID token; one that is no text names nothing.
fn session_id(claims: &Map<String, Value>) -> Option<&str> {
    claims.get("sid").and_then(Value::as_str).filter(|sid| !sid.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://idp.example.com/r";
    const AT: Moment = Moment::from_unix(1_795_000_000);

    fn marks_at(provider: &str, issuer: &str, claims: &Value) -> LoginMarks {
        let provider = format!("arn:aws:iam::111122223333:oidc-provider/{provider}").parse().unwrap();
        let subject = claims["sub"].as_str().unwrap();
        Names { provider: &provider, issuer }.login(claims.as_object().unwrap(), subject, AT).marks
    }

    fn marks(claims: Value) -> LoginMarks {
        marks_at("idp.example.com/r", ISSUER, &claims)
    }

    fn hint(claims: Value) -> Option<String> {
        let provider = "arn:aws:iam::111122223333:oidc-provider/i".parse().unwrap();
        let login =
            Names { provider: &provider, issuer: ISSUER }.login(claims.as_object().unwrap(), "ann", AT);
        match login.session {
            ProviderSession::Oidc(session) => session.logout_hint,
            ProviderSession::Saml(_) => panic!("of another protocol"),
        }
    }

    #[test]
    fn a_session_is_known_by_its_sid_alone() {
        let (ann, bob) = (marks(json!({"sub": "ann", "sid": "s"})), marks(json!({"sub": "bob", "sid": "s"})));
        assert_eq!((ann.sessions.len(), ann.unnamed), (1, None));
        assert_eq!(ann.sessions, bob.sessions);
        assert_ne!(ann.subject, bob.subject);
        assert_ne!(ann.sessions, marks(json!({"sub": "ann", "sid": "t"})).sessions);
        for (provider, issuer) in [("other", ISSUER), ("idp.example.com/r", "https://idp.example.com/s")] {
            let foreign = marks_at(provider, issuer, &json!({"sub": "ann", "sid": "s"}));
            assert!(
                foreign.subject != ann.subject && foreign.sessions != ann.sessions,
                "{provider} {issuer}"
            );
        }
    }

    #[test]
    fn without_a_sid_a_token_is_one_of_the_persons() {
        let one = marks(json!({"sub": "ann", "nonce": "1"}));
        let two = marks(json!({"sub": "ann", "nonce": "2"}));
        assert_eq!((one.subject, one.unnamed), (two.subject, two.unnamed));
        assert!(one.unnamed.is_some() && one.unnamed != Some(one.subject));
        assert_ne!(one.sessions, two.sessions, "who signs out ends this one");
        assert_eq!(one.ended(), one.sessions);
        assert_ne!(one.sessions, marks(json!({"sub": "ann", "jti": "1"})).sessions);
        assert_ne!(one.unnamed, marks(json!({"sub": "bob", "nonce": "1"})).unnamed);
        for nameless in [json!(""), json!(7), json!(null), json!(["s"])] {
            assert_eq!(marks(json!({"sub": "ann", "nonce": "1", "sid": nameless})), one);
        }
    }

    #[test]
    fn the_hint_is_what_the_provider_itself_calls_the_login() {
        assert_eq!(hint(json!({"login_hint": "opaque", "sid": "s"})).as_deref(), Some("opaque"));
        assert_eq!(hint(json!({"sid": "s"})).as_deref(), Some("s"));
        assert_eq!(hint(json!({"email": "ann@example.com"})), None);
        assert_eq!(hint(json!({"sid": "s".repeat(513)})), None);
    }
}
