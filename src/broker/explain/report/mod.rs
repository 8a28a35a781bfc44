//! What an explanation says, as plain data. The names are stable, because machines read them: a
//! name that changes its meaning or goes changes [`VERSION`].
//!
//! Nothing in here proves anything. Times are RFC 3339, lengths of time are in seconds.

mod decision;
mod document;

use serde::Serialize;

pub use self::decision::{
    Access, Action, Clause, Limit, Obstacle, Policy, Read, Role, Rule, RuleOutcome, Session, Statement,
};
pub use self::document::{
    Asserted, AssertedRole, Attribute, Certificate, Clock, Document, Identity, Part, Provider, Signature,
    Token,
};

/// Of the names in [`Report`].
pub const VERSION: u32 = 1;

/// An explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// The moment that it was decided for.
    pub at: String,
    /// What comes of it.
    pub answer: Answer,
    /// What was not looked at, and other things worth knowing.
    pub notes: Vec<String>,
    /// What the document says of itself. Anybody can write that.
    pub document: Option<Document>,
    /// Whose word it was held against.
    pub provider: Option<Provider>,
    /// How its clock stands to ours.
    pub clock: Option<Clock>,
    /// Every check that was made, in order.
    pub checks: Vec<Check>,
    /// What the signed part says of the person.
    pub identity: Option<Identity>,
    /// Every rule, where the document was believed.
    pub rules: Vec<Rule>,
    /// The roles that are offered, or the one that was asked about.
    pub roles: Vec<Role>,
}

/// The last word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Whether there is a session to be had.
    pub granted: bool,
    /// The roles that can be had.
    pub roles: Vec<String>,
    /// Whether a session of one of them may do what was asked; `None` where nothing was.
    pub may: Option<bool>,
    /// The first refusal.
    pub refused: Option<Refused>,
}

/// Why something is refused, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The stable name that the log gives it: a check, `rules.no-offer`, `policy.denied`.
    pub by: String,
    /// What is wrong.
    pub reason: String,
    /// What was seen, if there is one thing to be seen.
    pub seen: Option<String>,
    /// What to do next.
    pub advice: String,
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its stable name.
    pub check: String,
    /// What came of it.
    pub outcome: CheckOutcome,
    /// What it wanted.
    pub expected: String,
    /// What it saw.
    pub seen: String,
    /// What to do, where it failed.
    pub advice: Option<String>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// It holds.
    Passed,
    /// It does not, and the document is refused.
    Failed,
    /// It does not, and the provider's `accept` bears that.
    Waived,
}

/// A session tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Whether it goes along to the next role of a chain.
    pub transitive: bool,
}
