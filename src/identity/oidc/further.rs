//! Claims that a login gets beyond its ID token: from userinfo (OpenID Connect Core 5.3), and the
//! groups that Entra ID left out of the token.
//!
//! They are asked for once, with the access token of the code exchange, and go along until a role
//! is chosen. They only ever add: what the ID token says stays said, and nothing that the token's
//! own checks depend on, nor what AWS reads of a token (facts 3.5), may come from anywhere else.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::facts::Trace;
use super::groups::{GroupOverage, has_overage, refused_overage};
use super::{LoginError, OidcProvider, Redeemed, UnverifiedToken, groups, token, userinfo};
use crate::clock::Moment;
use crate::identity::{VerifyCode, VerifyError};

/// Bytes of all of them together, as JSON: they travel in the picker's form.
const LARGEST: usize = 80 * 1024;

/// Claims that only the ID token itself can make.
const OF_THE_TOKEN_ALONE: [&str; 19] = [
    "_claim_names",
    "_claim_sources",
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "cnf",
    "events",
    "exp",
    "hasgroups",
    "iat",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "sid",
];
/// Claims that vouch for another one, and come from where it comes from: whoever says that an address
/// is verified means the one that they know.
const VOUCHING: [(&str, &str); 2] = [("email_verified", "email"), ("phone_number_verified", "phone_number")];
/// What AWS reads of a token begins with this.
const OF_AWS: &str = "https://aws.amazon.com/";

/// See the module. Opaque: made by [`OidcProvider::further_claims`], and carried sealed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FurtherClaims(Inner);

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Inner {
    /// From userinfo: each counts where the ID token has none of its name.
    userinfo: Map<String, Value>,
    /// All groups, where the ID token has them not.
    groups: Option<Vec<String>>,
}

/// As text, because the sealed form knows no JSON.
impl From<FurtherClaims> for String {
    fn from(claims: FurtherClaims) -> Self {
        serde_json::to_string(&claims.0).unwrap_or_default()
    }
}

impl TryFrom<String> for FurtherClaims {
    type Error = serde_json::Error;

    fn try_from(json: String) -> Result<Self, Self::Error> {
        serde_json::from_str(&json).map(Self)
    }
}

impl FurtherClaims {
    /// The claims of an ID token with these.
    pub(super) fn join(&self, mut claims: Map<String, Value>) -> Map<String, Value> {
        let has = |name: &str| claims.contains_key(name);
        let vouches_for_the_tokens =
            |name: &str| VOUCHING.iter().any(|(vouching, about)| *vouching == name && has(about));
        let userinfo = self.0.userinfo.iter();
        let added: Vec<_> = userinfo
            .filter(|(name, _)| may_come_from_elsewhere(name) && !has(name) && !vouches_for_the_tokens(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        claims.extend(added);
        if let Some(groups) = &self.0.groups {
            claims.insert("groups".into(), groups.iter().cloned().map(Value::String).collect());
        }
        claims
    }

    /// Whether the groups are among them.
    pub(super) const fn has_groups(&self) -> bool {
        self.0.groups.is_some()
    }

    fn bounded(self) -> Result<Self, VerifyError> {
        let size = String::from(self.clone()).len();
        if size > LARGEST {
            let expected = format!("at most {LARGEST} bytes of claims beside the ID token");
            let (code, seen) = (VerifyCode::Claim, size.to_string());
            return Err(VerifyError::new(code, "oidc.further.size", expected, seen));
        }
        Ok(self)
    }
}

fn may_come_from_elsewhere(name: &str) -> bool {
    name != "sub" && !OF_THE_TOKEN_ALONE.contains(&name) && !name.starts_with(OF_AWS)
}

impl OidcProvider {
    /// What the provider's settings want to know beyond the ID token of a login that must repeat
    /// `nonce`. Nobody is asked before the token is believed.
    pub async fn further_claims(
        &self,
        redeemed: &Redeemed,
        nonce: &str,
        at: Moment,
    ) -> Result<FurtherClaims, LoginError> {
        let wants_userinfo = self.settings.login.as_ref().is_some_and(|login| login.userinfo);
        let graph = match &self.settings.claims.group_overage {
            GroupOverage::Graph(graph) => Some(graph),
            GroupOverage::Refuse | GroupOverage::Ignore => None,
        };
        if !wants_userinfo && graph.is_none() {
            return Ok(FurtherClaims::default());
        }
        let id_token = UnverifiedToken::parse(redeemed.id_token.expose())?;
        self.authenticate(&id_token, at).await?;
        let claims = &id_token.claims;
        let expected = self.expected(Some(nonce), at);
        let subject = token::check(claims, id_token.kind, &self.settings, &expected, &Trace::off())?.subject;
        let mut further = Inner::default();
        if wants_userinfo {
            let endpoint = self.metadata(at).await?.userinfo_endpoint;
            let userinfo =
                userinfo::fetch(&self.publisher, endpoint, &redeemed.access_token, &subject).await?;
            further.userinfo =
                userinfo.into_iter().filter(|(name, _)| may_come_from_elsewhere(name)).collect();
        }
        if let Some(graph) = graph.filter(|_| has_overage(claims)) {
            further.groups = Some(groups::of_graph(&self.publisher, graph, &redeemed.access_token).await?);
        }
        Ok(FurtherClaims(further).bounded()?)
    }

    /// Refuses `claims` that leave groups out which `further` does not bring.
    pub(super) fn check_groups(
        &self,
        claims: &Map<String, Value>,
        further: Option<&FurtherClaims>,
    ) -> Result<(), VerifyError> {
        match &self.settings.claims.group_overage {
            GroupOverage::Ignore => Ok(()),
            GroupOverage::Graph(_) if further.is_some_and(FurtherClaims::has_groups) => Ok(()),
            GroupOverage::Refuse | GroupOverage::Graph(_) if !has_overage(claims) => Ok(()),
            GroupOverage::Refuse | GroupOverage::Graph(_) => Err(refused_overage()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn joined(userinfo: Value, groups: Option<&[&str]>, token: Value) -> Value {
        let groups = groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect());
        let further = FurtherClaims(Inner { userinfo: userinfo.as_object().unwrap().clone(), groups });
        let carried = FurtherClaims::try_from(String::from(further.clone())).unwrap();
        assert_eq!(carried, further);
        Value::Object(further.join(token.as_object().unwrap().clone()))
    }

    #[test]
    fn claims_are_added_and_never_replaced() {
        let token = json!({"sub": "ann", "email": "a@example.com", "groups": null});
        let userinfo = json!({"sub": "eve", "email": "e@example.com", "groups": ["ops"], "team": "core"});
        let expected = json!({"sub": "ann", "email": "a@example.com", "groups": null, "team": "core"});
        assert_eq!(joined(userinfo, None, token), expected);
    }

    #[test]
    fn who_vouches_for_a_claim_is_who_says_it() {
        let userinfo =
            json!({"email": "e@example.com", "email_verified": true, "phone_number_verified": true});
        let token = json!({"email": "admin@example.com", "phone_number": "1"});
        assert_eq!(joined(userinfo.clone(), None, token.clone()), token);
        assert_eq!(joined(userinfo.clone(), None, json!({})), userinfo);
    }

    #[test]
    fn what_the_tokens_checks_depend_on_stays_the_tokens() {
        for name in OF_THE_TOKEN_ALONE.iter().chain(&["sub", "https://aws.amazon.com/tags"]) {
            assert_eq!(joined(json!({*name: "x"}), None, json!({})), json!({}), "{name}");
        }
        let custom = json!({"https://example.com/tags": "x"});
        assert_eq!(joined(custom.clone(), None, json!({})), custom);
    }

    #[test]
    fn resolved_groups_are_all_groups() {
        let token = json!({"groups": ["some"]});
        assert_eq!(joined(json!({}), Some(&["a", "b"]), token), json!({"groups": ["a", "b"]}));
    }

    #[test]
    fn they_are_bounded() {
        let of = |length: usize| {
            let userinfo = json!({"x": "y".repeat(length)}).as_object().unwrap().clone();
            FurtherClaims(Inner { userinfo, groups: None }).bounded().map_err(|error| error.check())
        };
        assert!(of(LARGEST - 50).is_ok());
        assert_eq!(of(LARGEST), Err("oidc.further.size"));
    }
}
