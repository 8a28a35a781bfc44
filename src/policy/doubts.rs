//! What a trust policy probably does not mean: it is valid, and without effect, or has another than it
//! reads. `check` warns of it.

use super::facts;
use super::iam::{ConditionParts, StatementRef};
use super::trust::TrustPolicy;

/// Every action that a trust policy can be about (facts 5.1).
const STS_ACTIONS: [&str; 6] = [
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
    "sts:SetSourceIdentity",
    "sts:SetContext",
];

/// A provider that a trust policy names.
#[derive(Debug, Clone, Copy)]
pub struct Vouching<'a> {
    /// The issuer of its tokens; none for SAML.
    pub issuer: Option<&'a str>,
    /// The clients whose tokens it takes; none for SAML.
    pub client_ids: &'a [String],
}

/// A doubt about a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The statement.
    pub statement: StatementRef,
    /// What it does that may not be meant.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl TrustPolicy {
    /// Every doubt about it; `known` finds a provider by its ARN. Of a statement's condition keys
    /// nothing is said where it names other principals, or a provider that is not known.
    pub fn doubts<'k>(&self, known: impl Fn(&str) -> Option<Vouching<'k>>) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        for parts in self.parts() {
            let mut doubt = |message: String, help: String| {
                doubts.push(Doubt { statement: parts.statement.clone(), message, help });
            };
            for action in parts.actions_beyond(&STS_ACTIONS) {
                let help = match nearest(&action, STS_ACTIONS) {
                    Some(meant) => format!("did you mean {meant}?"),
                    None => format!("there are {}", STS_ACTIONS.join(", ")),
                };
                doubt(format!("speaks of {action}, which is no action of a trust policy"), help);
            }
            for condition in parts.conditions() {
                for value in literal_wildcards(&condition) {
                    let operator = condition.operator;
                    let like = operator.replace("EqualsIgnoreCase", "Like").replace("Equals", "Like");
                    doubt(
                        format!("compares {value:?} by {operator}, to which a wildcard is a letter"),
                        format!("write {like}, where * and ? are wildcards"),
                    );
                }
            }
            let named: Option<Vec<_>> = parts.federated.iter().map(|arn| known(arn)).collect();
            let Some(named) = named.filter(|named| !named.is_empty()) else { continue };
            for condition in parts.conditions() {
                if !named.iter().any(|it| facts::may_have(it.issuer, condition.key)) {
                    let message = format!("asks for {}, which no request here has", condition.key);
                    doubt(message, keys_help(condition.key, &named));
                }
                for value in foreign_audiences(&condition, &named) {
                    let message =
                        format!("wants {} to be {value:?}, which is none of client_ids", condition.key);
                    doubt(message, "no token of another client is taken: compare the two".to_owned());
                }
            }
        }
        doubts
    }
}

fn literal_wildcards<'c>(condition: &ConditionParts<'c>) -> impl Iterator<Item = &'c String> {
    let values = if condition.is_literal() { condition.values } else { &[] };
    // A variable may be written with an escape that is a wildcard: `${*}`.
    values.iter().filter(|value| value.contains(['*', '?']) && !value.contains("${"))
}

/// Values of `aud` that no token can have which any of the providers takes.
fn foreign_audiences<'c>(
    condition: &ConditionParts<'c>,
    named: &[Vouching<'_>],
) -> impl Iterator<Item = &'c String> {
    let of_key = |vouching: &&Vouching<'_>| {
        let host = vouching.issuer.map(facts::host);
        host.is_some_and(|host| format!("{host}:aud").eq_ignore_ascii_case(condition.key))
    };
    let clients: Vec<_> = named.iter().filter(of_key).flat_map(|vouching| vouching.client_ids).collect();
    let is_asked = !clients.is_empty() && condition.is_literal() && condition.wants_one_of_its_values();
    let values = if is_asked { condition.values } else { &[] };
    let folds = condition.folds_case();
    let is_one = move |id: &String, value: &str| {
        if folds { id.eq_ignore_ascii_case(value) } else { id == value }
    };
    let is_foreign = move |value: &&String| {
        !value.contains(['*', '?', '$']) && !clients.iter().any(|id| is_one(id, value))
    };
    values.iter().filter(is_foreign)
}

fn keys_help(key: &str, named: &[Vouching<'_>]) -> String {
    let keys: Vec<_> = named.iter().flat_map(|vouching| facts::keys(vouching.issuer)).collect();
    // What stands before the last colon is the issuer's, and long: the name behind it tells what is meant.
    let name = |key: &str| key.rsplit(':').next().unwrap_or(key).to_lowercase();
    let same = keys.iter().find(|known| name(known) == name(key));
    match same.or_else(|| nearest(key, &keys)) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("there are {}", keys.join(", ")),
    }
}

/// The one that was probably meant.
fn nearest<T: AsRef<str>>(written: &str, known: impl IntoIterator<Item = T>) -> Option<T> {
    let written = written.to_lowercase();
    let distance = |known: &T| strsim::osa_distance(&known.as_ref().to_lowercase(), &written);
    let nearest = known.into_iter().map(|known| (distance(&known), known)).min_by_key(|(slips, _)| *slips)?;
    (nearest.0 <= 3).then_some(nearest.1)
}
