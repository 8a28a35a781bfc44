//! `[[section]]` and `[[rule]]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Span;

/// Which rules of a section count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SectionOffersSetting {
    /// Each that matches.
    #[default]
    All,
    /// The first that matches. One that can't be evaluated ends the section, too.
    First,
}

/// What follows where a rule of a section matches, or can't be evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SectionMatch {
    /// The next section is asked as well.
    #[default]
    Continue,
    /// No section behind it is asked.
    Stop,
}

/// `[[section]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SectionSettings {
    /// What its rules call it.
    pub name: String,
    /// Which of its rules count: `all` that match, or the `first`. Default `all`.
    #[serde(default)]
    pub offers: SectionOffersSetting,
    /// Whether the sections behind it are asked where one of its rules matches: `continue`, or `stop`.
    /// Default `continue`.
    #[serde(default)]
    pub on_match: SectionMatch,
}

/// How roles are found in what an identity says.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesFromSettings {
    /// The attribute whose values are looked at. Default `groups`.
    #[serde(default = "groups")]
    pub attribute: String,
    /// What the value for a role looks like, such as `AWS-{account}-{role}`: `{account}` stands for the twelve
    /// digits of the role's account, `{role}` for its name without the path. Upper and lower case differ.
    pub pattern: String,
}

fn groups() -> String {
    "groups".to_owned()
}

/// What a rule does where it matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleEffectSetting {
    /// It offers its roles.
    #[default]
    Offer,
    /// It takes its roles away, and so it does where it can't be evaluated.
    Deny,
}

/// `[[rule]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// What the rule is called in logs and explanations.
    pub name: String,
    /// The provider whose identities it looks at. Default: every provider.
    pub provider: Option<String>,
    /// What it does where it matches: `offer` its roles, or `deny` them, whatever offers them. Default
    /// `offer`.
    #[serde(default)]
    pub effect: RuleEffectSetting,
    /// The section that it is in. Default: the last one, in which every rule that matches offers.
    pub section: Option<String>,
    /// A CEL expression over the identity: `subject`, `issuer`, `provider`, `protocol`, `attr`,
    /// `claim`, `groups`, `authn`, `source_ip`, `time`. The rule matches where it is `true`.
    pub when: String,
    /// The roles that are offered, or denied, where it matches. A rule that denies may leave them out: then it
    /// denies every one.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Offers the roles whose names are among the values of an attribute.
    pub roles_from: Option<RolesFromSettings>,
    /// A CEL expression for the session's name: 2 to 64 letters, digits or `_+=,.@-`.
    pub session_name: Option<String>,
    /// A CEL expression for the source identity.
    pub source_identity: Option<String>,
    /// Session tags: name to CEL expression.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Names of those tags that go along when the session assumes another role.
    #[serde(default)]
    pub transitive_tags: Vec<String>,
    /// The session's length unless the caller asks for another. Default `1h`.
    pub duration: Option<Span>,
}
