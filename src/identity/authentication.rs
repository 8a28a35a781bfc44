//! How and when a person proved to the provider who they are.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::FederatedIdentity;
use crate::clock::Moment;

/// The attribute in which Entra ID and AD FS list what a person proved themselves by.
const METHODS: &str = "http://schemas.microsoft.com/claims/authnmethodsreferences";

/// What a provider says of it. What it does not say is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authentication<'a> {
    /// When. SAML: the earliest `AuthnInstant` (Core 2.7.2). OIDC: `auth_time` (Core 2).
    pub at: Option<Moment>,
    /// How well. SAML: the `AuthnContextClassRef`, if it is one. OIDC: `acr`.
    pub context: Option<&'a str>,
    /// By what. OIDC: `amr` (RFC 8176). SAML: `authnmethodsreferences`, as Entra ID and AD FS write it.
    pub methods: Vec<&'a str>,
}

/// What stands in the authentication statements of an assertion.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AuthnStatements {
    /// The earliest `AuthnInstant`.
    pub(super) at: Option<Moment>,
    /// The `AuthnContextClassRef`, if it is one.
    pub(super) context: Option<String>,
}

impl FederatedIdentity {
    /// How and when the person proved to the provider who they are.
    pub fn authentication(&self) -> Authentication<'_> {
        match self.claims() {
            Some(claims) => of_claims(claims),
            None => {
                let AuthnStatements { at, context } = &self.verified.authn;
                let methods = self.attributes().get(METHODS).into_iter().flatten();
                Authentication {
                    at: *at,
                    context: context.as_deref(),
                    methods: methods.map(String::as_str).collect(),
                }
            }
        }
    }
}

fn of_claims(claims: &Map<String, Value>) -> Authentication<'_> {
    Authentication {
        at: claims.get("auth_time").and_then(Value::as_i64).map(Moment::from_unix),
        context: claims.get("acr").and_then(Value::as_str),
        methods: match claims.get("amr") {
            Some(Value::Array(methods)) => methods.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(method)) => vec![method],
            _ => Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::testing::IdentityBuilder;

    fn of_token(claims: Value) -> FederatedIdentity {
        let provider = "arn:aws:iam::111122223333:oidc-provider/accounts.example.com";
        IdentityBuilder::oidc(provider, "mobile", "https://accounts.example.com", claims).build()
    }

    #[test]
    fn tokens_say_it_in_claims() {
        let full = json!({ "sub": "ann", "auth_time": 1_800_000_000, "acr": "gold", "amr": ["pwd", "otp"] });
        let at = Some(Moment::from_unix(1_800_000_000));
        let expected = Authentication { at, context: Some("gold"), methods: vec!["pwd", "otp"] };
        assert_eq!(of_token(full).authentication(), expected);
        let odd = json!({ "sub": "ann", "auth_time": "yesterday", "acr": 1, "amr": "mfa" });
        let expected = Authentication { methods: vec!["mfa"], ..Authentication::default() };
        assert_eq!(of_token(odd).authentication(), expected);
        assert_eq!(of_token(json!({ "sub": "ann" })).authentication(), Authentication::default());
    }

    #[test]
    fn assertions_say_it_in_statements_and_an_attribute() {
        let ann = IdentityBuilder::saml("arn:aws:iam::111122223333:saml-provider/corp", "corp", "ann");
        let multiple = "http://schemas.microsoft.com/claims/multipleauthn";
        let ann = ann.attribute(METHODS, &[multiple]).authenticated(Moment::from_unix(7), "urn:x").build();
        let at = Some(Moment::from_unix(7));
        let expected = Authentication { at, context: Some("urn:x"), methods: vec![multiple] };
        assert_eq!(ann.authentication(), expected);
    }
}
