//! Why something was refused, for whoever may know: what AWS puts into an encoded authorization message
//! (`DecodeAuthorizationMessage`; facts 1.5).

use serde::Serialize;

use super::{Access, Asked, Ground};
use crate::identity::Holder;

/// A list as AWS writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Items<T> {
    items: Vec<T>,
}

impl<T> FromIterator<T> for Items<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self { items: items.into_iter().collect() }
    }
}

/// What was decided, why, and what was known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationMessage {
    allowed: bool,
    explicit_deny: bool,
    matched_statements: Items<MatchedStatement>,
    failures: Items<String>,
    context: MessageContext,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct MatchedStatement {
    statement_id: String,
    effect: &'static str,
    /// The kind of its policy, and the policy's name: more than AWS tells.
    policy_type: &'static str,
    policy: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MessageContext {
    principal: MessagePrincipal,
    action: String,
    resource: String,
    conditions: Items<MessageCondition>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MessagePrincipal {
    id: String,
    name: String,
    arn: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MessageCondition {
    key: String,
    values: Items<MessageValue>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MessageValue {
    value: String,
}

impl AuthorizationMessage {
    /// The same without what was known, for where there is no room for it.
    #[must_use]
    pub fn without_conditions(mut self) -> Self {
        self.context.conditions = Items::from_iter([]);
        self
    }
}

impl Asked<'_> {
    /// The message about `access`, which is its answer; nothing where it is allowed.
    pub fn message(&self, access: &Access) -> Option<AuthorizationMessage> {
        let because = access.because(self.action)?;
        let holder = self.standing.holder;
        let name = match holder {
            Holder::Role(session) => session.session_name.as_str(),
            Holder::User(session) => session.user.name(),
            Holder::FederatedUser(session) => session.name.as_str(),
        };
        let statement = |ground: &Ground| MatchedStatement {
            statement_id: ground.statement.sid.clone().unwrap_or_default(),
            effect: "DENY",
            policy_type: ground.layer.name(),
            policy: ground.policy.clone(),
        };
        let condition = |(key, values): (&str, &[std::borrow::Cow<'_, str>])| MessageCondition {
            key: key.to_owned(),
            values: values.iter().map(|value| MessageValue { value: value.to_string() }).collect(),
        };
        Some(AuthorizationMessage {
            allowed: false,
            explicit_deny: matches!(access, Access::Denied(_)),
            matched_statements: access.grounds().iter().map(statement).collect(),
            failures: Items::from_iter([because]),
            context: MessageContext {
                principal: MessagePrincipal {
                    id: holder.user_id(),
                    name: name.to_owned(),
                    arn: holder.arn(),
                },
                action: self.action.to_owned(),
                resource: self.to.to_owned(),
                conditions: self.context.iter().map(condition).collect(),
            },
        })
    }
}
