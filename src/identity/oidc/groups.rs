//! Entra ID's group overage: above some 200 groups its token has none, but says that they are
//! elsewhere (`_claim_names`, OpenID Connect Core 5.6.2).
//!
//! A rule that asks whether somebody is *not* in a group would take the missing list for an answer,
//! so such a token is refused unless the settings say otherwise. The groups are asked of Microsoft
//! Graph, at an address from the configuration. **The address in `_claim_sources` is never asked**:
//! it is that of a retired interface, and a broker that follows addresses out of tokens can be sent
//! anywhere.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Map, Value};
use url::Url;

use super::LoginError;
use super::discovery::{LARGEST_DOCUMENT, Publisher};
use super::members::unique_members;
use crate::fetch::{self, with_causes};

use crate::fetch::Reach;
use crate::identity::{VerifyCode, VerifyError};
use crate::secret::Secret;

/// The national clouds of Microsoft Graph.
const CLOUDS: [&str; 4] = [
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
];
/// The one call: every security group that the signed-in person is in, nested ones too.
const MEMBER_OBJECTS: &str = "v1.0/me/getMemberObjects";
/// Groups that a login may have. They travel in the picker's form, 40 bytes each.
const MOST_GROUPS: usize = 2_000;
/// Bytes of one group's id; Entra ID's are UUIDs.
const LONGEST_GROUP: usize = 256;

/// What to do with a token that leaves groups out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum GroupOverage {
    /// Refuse it.
    #[default]
    Refuse,
    /// Take it for one without groups.
    Ignore,
    /// Ask Microsoft Graph with the access token of the login. Refuse it at the STS API, where there
    /// is none.
    Graph(GraphUrl),
}

/// An address of Microsoft Graph, which access tokens may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphUrl(Url);

impl GraphUrl {
    /// One of the known clouds; or loopback, for tests, where that is allowed.
    pub fn parse(text: &str, reach: Reach) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_cloud = CLOUDS.contains(&url.origin().ascii_serialization().as_str());
        let is_local = url.scheme() == "http" && fetch::is_permitted(&url, reach);
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        (is_plain && is_anonymous && (is_cloud || is_local)).then_some(Self(url))
    }

    /// The addresses of the clouds.
    pub const fn clouds() -> &'static [&'static str] {
        &CLOUDS
    }
}

/// Whether the ID token `claims` says that its groups are elsewhere. By the implicit flow, which
/// old apps use, it says so in `hasgroups`, instead of `groups`.
pub(super) fn has_overage(claims: &Map<String, Value>) -> bool {
    let named = claims.get("_claim_names").and_then(|names| names.get("groups")).is_some();
    let marked = match claims.get("hasgroups") {
        Some(Value::Bool(has)) => *has,
        Some(Value::String(has)) => has == "true",
        _ => false,
    };
    named || (marked && !claims.contains_key("groups"))
}

/// The refusal of such a token.
pub(super) fn refused_overage() -> VerifyError {
    let expected = "every group in the token: let the provider send only those that are assigned to the \
                    application, or set group_overage";
    let seen = "a group overage: the groups were left out because they are too many";
    VerifyError::new(VerifyCode::Claim, "oidc.groups.overage", expected, seen)
}

/// The groups of the holder of `access_token`.
pub(super) async fn of_graph(
    publisher: &Publisher,
    graph: &GraphUrl,
    access_token: &Secret<String>,
) -> Result<Vec<String>, LoginError> {
    let failed = |reason: String| LoginError::Provider(format!("Microsoft Graph: {reason}"));
    let url = graph.0.join(MEMBER_OBJECTS).map_err(|error| failed(error.to_string()))?;
    let request = publisher
        .http
        .post(url)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/json")
        .bearer_auth(access_token.expose())
        .body(r#"{"securityEnabledOnly":true}"#);
    let request = request.build().map_err(|_| failed("the access token can't stand in a header".into()))?;
    let response = fetch::send(&publisher.http, request, publisher.reach).await;
    let response = response.map_err(|error| failed(with_causes(&error)))?;
    match response.status() {
        StatusCode::OK => {}
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            let help = "the login's scopes must ask for User.Read of Microsoft Graph and nothing of others";
            return Err(failed(format!("status {status}: {help}")));
        }
        status => return Err(failed(format!("status {status}"))),
    }
    let body = fetch::body(response, LARGEST_DOCUMENT).await.map_err(|error| failed(with_causes(&error)))?;
    let answer =
        unique_members(&body).map_err(|error| failed(format!("the answer can't be read: {error}")))?;
    Ok(groups(&answer)?)
}

/// The whole list or none: a part would be as misleading as its absence.
fn groups(answer: &Map<String, Value>) -> Result<Vec<String>, VerifyError> {
    let refused = |expected: String, seen: &str| {
        VerifyError::new(VerifyCode::Claim, "oidc.groups.graph", expected, seen)
    };
    if answer.contains_key("@odata.nextLink") {
        return Err(refused("all groups in one answer".into(), "an answer in pages"));
    }
    let listed = answer.get("value").and_then(Value::as_array);
    let listed = listed.ok_or_else(|| refused("`value` as a list".into(), "another answer"))?;
    if listed.len() > MOST_GROUPS {
        let seen = listed.len().to_string();
        return Err(refused(format!("at most {MOST_GROUPS} groups"), &seen));
    }
    let id = |group: &Value| {
        let id = group.as_str().filter(|id| !id.is_empty() && id.len() <= LONGEST_GROUP);
        id.map(str::to_owned).ok_or_else(|| refused("ids of groups".into(), "something else"))
    };
    listed.iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_go_to_microsoft_graph_only() {
        for (url, in_production, in_tests) in [
            ("https://graph.microsoft.com", true, true),
            ("https://graph.microsoft.com/", true, true),
            ("https://microsoftgraph.chinacloudapi.cn", true, true),
            ("http://127.0.0.1:8080", false, true),
            ("http://graph.microsoft.com", false, false),
            ("https://graph.microsoft.com:8443", false, false),
            ("https://graph.microsoft.com/v1.0", false, false),
            ("https://graph.microsoft.com?x=1", false, false),
            ("https://graph.microsoft.com#x", false, false),
            ("https://ann@graph.microsoft.com", false, false),
            ("https://graph.microsoft.com.evil.example", false, false),
            ("https://graph.windows.net", false, false),
            ("https://127.0.0.1", false, false),
            ("http://192.0.2.1", false, false),
            ("graph.microsoft.com", false, false),
        ] {
            let accepted = |loopback| GraphUrl::parse(url, Reach { private: false, loopback }).is_some();
            assert_eq!((accepted(false), accepted(true)), (in_production, in_tests), "{url}");
        }
    }

    #[test]
    fn an_overage_is_said_in_two_ways() {
        for (claims, expected) in [
            (json!({"_claim_names": {"groups": "src1"}}), true),
            (json!({"hasgroups": true}), true),
            (json!({"hasgroups": "true"}), true),
            (json!({"_claim_names": {"address": "src1"}}), false),
            (json!({"_claim_names": "groups", "hasgroups": false}), false),
            (json!({"hasgroups": true, "groups": ["a"]}), false),
            (json!({"_claim_names": {"groups": "src1"}, "groups": ["a"]}), true),
            (json!({"groups": []}), false),
        ] {
            assert_eq!(has_overage(claims.as_object().unwrap()), expected, "{claims}");
        }
    }

    #[test]
    fn the_list_is_whole_or_refused() {
        let read =
            |answer: Value| groups(answer.as_object().unwrap()).map_err(|error| error.expected().to_owned());
        assert_eq!(
            read(json!({"value": ["a", "b"], "@odata.context": "x"})),
            Ok(vec!["a".into(), "b".into()])
        );
        assert_eq!(read(json!({"value": []})), Ok(Vec::new()));
        let many = vec!["g"; MOST_GROUPS];
        assert_eq!(read(json!({ "value": many })).map(|groups| groups.len()), Ok(MOST_GROUPS));
        for (answer, expected) in [
            (
                json!({"value": ["a"], "@odata.nextLink": "https://graph.microsoft.com/x"}),
                "all groups in one answer",
            ),
            (json!({ "value": vec!["g"; MOST_GROUPS + 1] }), "at most 2000 groups"),
            (json!({"value": "a"}), "`value` as a list"),
            (json!({}), "`value` as a list"),
            (json!({"value": [1]}), "ids of groups"),
            (json!({"value": [""]}), "ids of groups"),
            (json!({"value": ["g".repeat(257)]}), "ids of groups"),
        ] {
            assert_eq!(read(answer.clone()), Err(expected.to_owned()), "{answer}");
        }
    }
}
