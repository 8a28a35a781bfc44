//! The IAM policy language, fact by fact: each row of the tables beside this file is a case, and each
//! group says where its fact is from.
//!
//! A row says whether a statement applies. It is asked twice, as the `Allow` of a policy that allows
//! nothing else, and as the `Deny` of one that allows everything else: `yes` is both, `no` is neither, and
//! `deny only` is what its name says.

mod properties;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use rolegate::policy::iam::{AwsCaller, Caller, Decision, Policy, PolicyKind, Request, RequestContext};
use serde::Deserialize;

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Deploy/ann";
const ROLE: &str = "arn:aws:iam::111122223333:role/eng/Deploy";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// The fact.
    about: String,
    /// Where it is from.
    source: String,
    /// The `Version` of its policies.
    #[serde(default = "current")]
    version: String,
    /// A condition, the keys of the request, whether it holds.
    #[serde(default)]
    conditions: Vec<[String; 3]>,
    /// Members of a statement; action and resource; whether it applies. The request has `aws:userid` ann.
    #[serde(default)]
    statements: Vec<[String; 3]>,
    /// Who a resource's policy is about, who asks, whether it is about them.
    #[serde(default)]
    principals: Vec<[String; 3]>,
    /// A kind of policy, a document, its faults.
    #[serde(default)]
    documents: Vec<(String, String, Vec<String>)>,
}

fn current() -> String {
    "2012-10-17".to_owned()
}

/// What is seen of a row: `yes`, `no`, `deny only`, or the fault that makes it no policy.
fn seen(
    kind: PolicyKind,
    version: &str,
    members: &str,
    everything: &str,
    request: &Request<'_>,
) -> Result<String, String> {
    let decide = |effect: &str| {
        let rest =
            if effect == "Deny" { format!(",{{\"Effect\":\"Allow\",{everything}}}") } else { String::new() };
        let text =
            format!(r#"{{"Version":"{version}","Statement":[{{"Effect":"{effect}",{members}}}{rest}]}}"#);
        Policy::parse(kind, &text)
            .map(|policy| policy.decide(request))
            .map_err(|faults| format!("{faults:?}"))
    };
    let allows = decide("Allow")?.is_allow();
    let denies = match decide("Deny")? {
        Decision::ExplicitDeny(_) => true,
        Decision::Allow(_) | Decision::ImplicitDeny => false,
    };
    Ok(match (allows, denies) {
        (true, true) => "yes",
        (false, false) => "no",
        (false, true) => "deny only",
        (true, false) => "allow only",
    }
    .to_owned())
}

fn condition(group: &Group, condition: &str, keys: &str) -> Result<String, String> {
    let keys: Vec<(String, Vec<String>)> =
        serde_json::from_str::<serde_json::Map<_, _>>(keys).unwrap().into_iter().map(values).collect();
    let mut context = RequestContext::new();
    keys.into_iter().for_each(|(key, values)| context.set_all(key, values));
    let request = Request {
        caller: Caller::Attached,
        action: "s3:GetObject",
        resource: Some("arn:aws:s3:::b/k"),
        context: &context,
    };
    let everything = r#""Action":"*","Resource":"*""#;
    let members = format!(r#"{everything},"Condition":{condition}"#);
    seen(PolicyKind::Identity, &group.version, &members, everything, &request)
}

fn values((key, value): (String, serde_json::Value)) -> (String, Vec<String>) {
    match value {
        serde_json::Value::String(text) => (key, vec![text]),
        list => (key, serde_json::from_value(list).unwrap()),
    }
}

fn statement(group: &Group, members: &str, asked: &str) -> Result<String, String> {
    let (action, resource) = asked.split_once(' ').unwrap();
    let mut context = RequestContext::new();
    context.set("aws:userid", "ann");
    context.set("aws:principaltag/odd", "*");
    context.set_all("aws:tagkeys", ["one", "two"]);
    let request = Request { caller: Caller::Attached, action, resource: Some(resource), context: &context };
    seen(PolicyKind::Identity, &group.version, members, r#""Action":"*","Resource":"*""#, &request)
}

fn principal(group: &Group, principal: &str, who: &str) -> Result<String, String> {
    let account = "111122223333".parse().unwrap();
    let aws = |arn, role| Caller::Aws(AwsCaller { account, arn, role, has_boundary: false });
    let caller = match who {
        "the session" => aws(SESSION, Some(ROLE)),
        "the user" => aws("arn:aws:iam::111122223333:user/div/ann", None),
        "the federated user" => aws("arn:aws:sts::111122223333:federated-user/ann", None),
        "the provider" => Caller::Federated("arn:aws:iam::111122223333:saml-provider/corp"),
        "the service" => Caller::Service("ec2.amazonaws.com"),
        other => panic!("nobody knows {other}"),
    };
    let context = RequestContext::new();
    let request =
        Request { caller, action: "s3:GetObject", resource: Some("arn:aws:s3:::b/k"), context: &context };
    let rest = r#""Action":"s3:GetObject","Resource":"*""#;
    let anybody = r#"{"AWS":"*","Federated":"arn:aws:iam::111122223333:saml-provider/corp","Service":"ec2.amazonaws.com"}"#;
    let everything = format!(r#""Principal":{anybody},{rest}"#);
    seen(PolicyKind::Resource, &group.version, &format!("{principal},{rest}"), &everything, &request)
}

fn kind(name: &str) -> PolicyKind {
    match name {
        "trust" => PolicyKind::Trust,
        "identity" => PolicyKind::Identity,
        "session" => PolicyKind::Session,
        "boundary" => PolicyKind::Boundary,
        "service control" => PolicyKind::ServiceControl,
        "resource" => PolicyKind::Resource,
        other => panic!("no policy is of the kind {other}"),
    }
}

/// A row, what it expects, and what was seen of it.
type Case = (String, String, Result<String, String>);

fn cases(group: &Group) -> Vec<Case> {
    type Ask = fn(&Group, &str, &str) -> Result<String, String>;
    let asked: [(&Vec<[String; 3]>, Ask); 3] =
        [(&group.conditions, condition), (&group.statements, statement), (&group.principals, principal)];
    let rows = asked.into_iter().flat_map(|(rows, ask)| {
        let case = move |[about, request, expected]: &[String; 3]| {
            (format!("{about} for {request}"), expected.clone(), ask(group, about, request))
        };
        rows.iter().map(case)
    });
    let documents = group.documents.iter().map(|(of, text, expected)| {
        let faults = Policy::parse(kind(of), text).err().unwrap_or_default();
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        (format!("{of} {text}"), format!("{expected:?}"), Ok(format!("{faults:?}")))
    });
    rows.chain(documents).collect()
}

#[test]
fn every_fact_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/policy");
    let (mut failed, mut known, mut count) = (String::new(), HashSet::new(), 0);
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let file = entry.file_name().unwrap().to_string_lossy().into_owned();
        let table: Table = toml::from_str(&fs::read_to_string(&entry).unwrap())
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        for group in &table.group {
            let Group { about, source, version, .. } = group;
            let cases = cases(group);
            assert!(!cases.is_empty() && !source.is_empty(), "{file}: {about} has no cases or no source");
            for (row, expected, seen) in cases {
                count += 1;
                assert!(
                    known.insert((version.clone(), row.clone())),
                    "{file}: {about}: {row} is there twice"
                );
                if seen.as_ref() != Ok(&expected) {
                    let seen = seen.unwrap_or_else(|fault| fault);
                    failed +=
                        &format!("{file}: {about} ({source})\n  {row}\n  expected {expected}, saw {seen}\n");
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed}");
    assert!(count >= 300, "only {count} cases were found");
}
