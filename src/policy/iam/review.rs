//! Why each statement of a policy applies to a request, or does not: for explanations.
//!
//! It goes through the same elements as [`Policy::decide`], and does not stop at the first that
//! does not fit.

use std::fmt;

use super::document::{Effect, Policy, Statement};
use super::eval::{Misfit, Request, StatementRef};

/// What one statement says to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementReview {
    /// Which statement.
    pub statement: StatementRef,
    /// What it does where it applies.
    pub effect: Effect,
    /// What keeps it from applying; nothing, and it applies.
    pub obstacles: Vec<Obstacle>,
}

/// An element of a statement that does not fit the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It speaks of other principals: those that it names.
    Principal(Vec<String>),
    /// It speaks of other actions.
    Action,
    /// It speaks of other resources.
    Resource,
    /// A condition does not hold.
    Condition {
        /// Such as `StringEquals`, as written.
        operator: String,
        /// Such as `saml:aud`, as written.
        key: String,
        /// The policy's values, variables as written.
        wanted: Vec<String>,
        /// The request's values; none where the key is absent or undecided.
        actual: Vec<String>,
        /// Whether the request has several values where there should be one.
        undecided: bool,
    },
}

/// In one line.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(named) => write!(f, "it speaks of {}", named.join(" or ")),
            Self::Action => f.write_str("it speaks of another action"),
            Self::Resource => f.write_str("it speaks of another resource"),
            Self::Condition { operator, key, wanted, undecided: true, .. } => {
                write!(f, "{operator} {key} wants {wanted:?} and has several values where one is expected")
            }
            Self::Condition { operator, key, wanted, actual, .. } => {
                write!(f, "{operator} {key} wants {wanted:?} and has {actual:?}")
            }
        }
    }
}

impl Policy {
    /// Goes through every statement.
    pub fn review(&self, request: &Request<'_>) -> Vec<StatementReview> {
        let review = |(index, statement): (usize, &Statement)| StatementReview {
            statement: StatementRef { index, sid: statement.sid.clone() },
            effect: statement.effect,
            obstacles: statement.misfits(request).map(|misfit| misfit.told(request)).collect(),
        };
        self.statements.iter().enumerate().map(review).collect()
    }
}

impl Misfit<'_> {
    fn told(&self, request: &Request<'_>) -> Obstacle {
        match self {
            Self::Principal(principals) => Obstacle::Principal(principals.named()),
            Self::Action => Obstacle::Action,
            Self::Resource => Obstacle::Resource,
            Self::Condition(condition) => {
                let written = condition.written();
                Obstacle::Condition {
                    operator: written.operator.clone(),
                    key: written.key.clone(),
                    wanted: written.values.clone(),
                    actual: condition.seen(request.context).map(str::to_owned).collect(),
                    undecided: condition.is_undecided(request.context),
                }
            }
        }
    }
}
