//! What an explanation says of rules and roles.

use serde::Serialize;

use super::{Refused, Tag};

/// A rule, and what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name.
    pub rule: String,
    /// The one provider that it is for.
    pub provider: Option<String>,
    /// Its condition.
    pub when: String,
    /// What it said.
    pub outcome: RuleOutcome,
    /// The expression that failed.
    pub failed_in: Option<&'static str>,
    /// Why.
    pub reason: Option<String>,
    /// The parts of its condition, where it was asked and does not match.
    pub clauses: Vec<Clause>,
    /// The roles that it offers or denies where it matches; none, and it denies every one.
    pub roles: Vec<String>,
}

/// A part of a rule's condition, evaluated by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clause {
    /// As written.
    pub clause: String,
    /// Whether it holds; `None` where it could not be evaluated.
    pub holds: Option<bool>,
    /// Why it could not.
    pub reason: Option<String>,
    /// What it reads.
    pub reads: Vec<Read>,
}

/// A value that a clause reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Such as `attr.department`.
    pub name: String,
    /// What was there: each item of a list, the names of an object's members; none where there is nothing.
    pub values: Vec<String>,
}

/// What a rule said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleOutcome {
    /// It offers its roles.
    Matched,
    /// It does not match.
    NotMatched,
    /// It was not asked: it is for another provider.
    OtherProvider,
    /// It could not be evaluated, and offers nothing.
    Failed,
    /// It would offer its roles, and a rule before it ended its section, or all behind: `reason` names it.
    PassedOver,
    /// It takes its roles away, or could not be evaluated, and takes them away for that.
    Denied,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Its ARN.
    pub role: String,
    /// What offers it: a rule's name, or in words.
    pub offered_by: String,
    /// Whose STS makes its credentials, and as which role there; `None`: this broker.
    pub made_by: Option<String>,
    /// Why it can't be had; `None`: it can.
    pub refused: Option<Refused>,
    /// The session as it is, or as it would be.
    pub session: Session,
    /// What the trust policy says to each action in question; empty where it was not asked, and
    /// beyond the first few roles.
    pub actions: Vec<Action>,
    /// Whether its session may do what was asked; `None` where nothing was, or there is no session.
    pub access: Option<Access>,
}

/// Whether a session may do something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Access {
    /// Such as `s3:GetObject`.
    pub action: String,
    /// An ARN.
    pub resource: String,
    /// Whether it may.
    pub allowed: bool,
    /// `allow`, `explicit-deny` or `implicit-deny`.
    pub decision: &'static str,
    /// Why not, in AWS's words.
    pub because: Option<String>,
    /// Every policy that speaks of it.
    pub policies: Vec<Policy>,
}

/// A policy of a session's rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Such as `identity-based policy`.
    pub kind: &'static str,
    /// Its file, as the configuration names it.
    pub policy: String,
    /// Every statement.
    pub statements: Vec<Statement>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Its name.
    pub name: Option<String>,
    /// Its source identity.
    pub source_identity: Option<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// How long it lasts.
    pub seconds: Option<u64>,
    /// What limits it to that.
    pub limited_by: Option<&'static str>,
    /// Every limit of its length that was looked at; it lasts as long as the least.
    pub limits: Vec<Limit>,
    /// When it ends.
    pub expires: Option<String>,
}

/// A limit of a session's length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// Where it comes from.
    pub by: &'static str,
    /// How long it lets the session last.
    pub seconds: u64,
}

/// What a trust policy says to an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Action {
    /// Such as `sts:AssumeRoleWithSAML`.
    pub action: String,
    /// Whether it is allowed.
    pub allowed: bool,
    /// Every statement.
    pub statements: Vec<Statement>,
}

/// What a statement says to an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Its place, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: &'static str,
    /// Whether it applies.
    pub applies: bool,
    /// What keeps it from applying.
    pub obstacles: Vec<Obstacle>,
}

/// An element of a statement that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// `Principal`, `Action`, `Resource` or `Condition`.
    pub element: &'static str,
    /// A condition's operator.
    pub operator: Option<String>,
    /// A condition's key.
    pub key: Option<String>,
    /// What the policy wants.
    pub wanted: Vec<String>,
    /// What the request has; none where a condition's key is absent or undecided.
    pub actual: Vec<String>,
    /// Whether the key should have one value and was given several, so that nobody can tell.
    pub undecided: bool,
}
