//! The answers, as JSON.

use serde::Serialize;

use super::question::Question;
use crate::broker::{AccessAnswer, Answered};
use crate::identity::Holder;
use crate::policy::iam::{Effect, StatementReview};
use crate::policy::rights::{Ground, PolicyReview};

/// The answer about a token.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    #[serde(flatten)]
    access: Decided<'a>,
    /// Whether the token is ours and good.
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Principal<'a>>,
}

/// Whether something may be done.
#[derive(Serialize)]
pub(super) struct Decided<'a> {
    allowed: bool,
    /// `allow`, `explicit-deny` or `implicit-deny`.
    decision: &'static str,
    /// As AWS says it to whoever is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Of a refusal, why, for whoever may know (`DecodeAuthorizationMessage`).
    #[serde(skip_serializing_if = "Option::is_none")]
    encoded_message: Option<&'a str>,
    grounds: Vec<Statement<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<Vec<Reviewed<'a>>>,
}

/// Whose session it is.
#[derive(Serialize)]
pub(super) struct Principal<'a> {
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
        let access = Decided {
            allowed: false,
            decision: "implicit-deny",
            message: Some(message),
            encoded_message: None,
            grounds: Vec::new(),
            policies: None,
        };
        Self { access, active: false, principal: None }
    }

    /// That about a session.
    pub(super) fn of(answered: &'a Answered, asked: &Question<'_>) -> Self {
        let holder = answered.active.holder();
        let access = Decided::of(&answered.decided, holder, asked);
        Self { access, active: true, principal: Some(Principal::of(holder)) }
    }
}

impl<'a> Decided<'a> {
    pub(super) fn of(decided: &'a AccessAnswer, holder: Holder<'_>, asked: &Question<'_>) -> Self {
        let AccessAnswer { access, reviews, encoded } = decided;
        let message = access.because(&asked.action).map(|reason| {
            let (arn, action, resource) = (holder.arn(), &asked.action, &asked.resource);
            format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}")
        });
        Self {
            allowed: access.is_allowed(),
            decision: access.word(),
            message,
            encoded_message: encoded.as_deref(),
            grounds: access.grounds().iter().map(Statement::of).collect(),
            policies: reviews.as_ref().map(|reviews| reviews.iter().map(Reviewed::of).collect()),
        }
    }
}

impl<'a> Principal<'a> {
    pub(super) fn of(holder: Holder<'a>) -> Self {
        let (role, source_identity) = match holder {
            Holder::Role(session) => (Some(session.role.as_str()), session.source_identity.as_deref()),
            Holder::User(_) | Holder::FederatedUser(_) => (None, None),
        };
        Self {
            arn: holder.arn(),
            account: holder.account().to_string(),
            user_id: holder.user_id(),
            role,
            source_identity,
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
