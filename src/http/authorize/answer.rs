//! The answer, as JSON.

use serde::Serialize;

use super::question::Question;
use crate::broker::Answered;
use crate::identity::Holder;
use crate::policy::iam::{Effect, StatementReview};
use crate::policy::rights::{Ground, PolicyReview};

/// The answer.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    allowed: bool,
    /// `allow`, `explicit-deny` or `implicit-deny`.
    decision: &'static str,
    /// Whether the token is ours and good.
    active: bool,
    /// As AWS says it to whoever is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Principal<'a>>,
    grounds: Vec<Statement<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<Vec<Reviewed<'a>>>,
}

/// Whose session it is.
#[derive(Serialize)]
struct Principal<'a> {
    arn: String,
    account: String,
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<&'a str>,
}

/// A statement that decided.
#[derive(Serialize)]
struct Statement<'a> {
    kind: &'static str,
    policy: &'a str,
    statement: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
}

/// What one policy says.
#[derive(Serialize)]
struct Reviewed<'a> {
    kind: &'static str,
    policy: &'a str,
    statements: Vec<Said<'a>>,
}

/// What one statement says.
#[derive(Serialize)]
struct Said<'a> {
    statement: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    effect: &'static str,
    applies: bool,
    /// What keeps it from applying.
    obstacles: Vec<String>,
}

impl<'a> Answer<'a> {
    /// That about a token which is not ours, or no longer good.
    pub(super) fn about_nobody() -> Self {
        let message = "The token is not one of this broker, is over, or was revoked.".to_owned();
        Self {
            allowed: false,
            decision: "implicit-deny",
            active: false,
            message: Some(message),
            principal: None,
            grounds: Vec::new(),
            policies: None,
        }
    }

    /// That about a session.
    pub(super) fn of(answered: &'a Answered, asked: &Question<'_>) -> Self {
        let Answered { active, access, reviews } = answered;
        let holder = active.holder();
        let arn = holder.arn();
        let (role, source_identity) = match holder {
            Holder::Role(session) => (Some(session.role.as_str()), session.source_identity.as_deref()),
            Holder::User(_) | Holder::FederatedUser(_) => (None, None),
        };
        let message = access.because(&asked.action).map(|reason| {
            let (action, resource) = (&asked.action, &asked.resource);
            format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}")
        });
        Self {
            allowed: access.is_allowed(),
            decision: access.word(),
            active: true,
            message,
            principal: Some(Principal {
                arn,
                account: holder.account().to_string(),
                user_id: holder.user_id(),
                role,
                source_identity,
            }),
            grounds: access.grounds().iter().map(Statement::of).collect(),
            policies: reviews.as_ref().map(|reviews| reviews.iter().map(Reviewed::of).collect()),
        }
    }
}

impl<'a> Statement<'a> {
    fn of(ground: &'a Ground) -> Self {
        let statement = &ground.statement;
        Self {
            kind: ground.layer.name(),
            policy: &ground.policy,
            statement: statement.index,
            sid: statement.sid.as_deref(),
        }
    }
}

impl<'a> Reviewed<'a> {
    fn of(review: &'a PolicyReview) -> Self {
        let statements = review.statements.iter().map(Said::of).collect();
        Self { kind: review.layer.name(), policy: &review.policy, statements }
    }
}

impl<'a> Said<'a> {
    fn of(review: &'a StatementReview) -> Self {
        Self {
            statement: review.statement.index,
            sid: review.statement.sid.as_deref(),
            effect: match review.effect {
                Effect::Allow => "Allow",
                Effect::Deny => "Deny",
            },
            applies: review.obstacles.is_empty(),
            obstacles: review.obstacles.iter().map(ToString::to_string).collect(),
        }
    }
}
