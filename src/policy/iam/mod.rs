//! The IAM policy language (facts 5): documents, conditions, variables, decisions.
//!
//! [`Policy::parse`] reads and compiles; [`Policy::decide`] answers one [`Request`] without
//! parsing anything, and [`Policy::review`] tells why; [`Policy::parts`] shows what was written. Knows nothing of identities or roles: `policy::trust` puts the question.

mod caller;
mod condition;
mod context;
mod document;
mod eval;
mod grammar;
mod guard;
mod json;
mod operand;
mod operator;
mod parts;
mod pattern;
mod principals;
mod reader;
mod review;
mod variable;

pub use self::caller::{AwsCaller, Caller};
pub use self::context::RequestContext;
pub use self::document::{Effect, Policy, PolicyFault, PolicyKind};
pub use self::eval::{Decision, Request, StatementRef};
pub use self::guard::Guard;
pub use self::parts::{ConditionParts, StatementParts};
pub use self::principals::Naming;
pub use self::review::{Obstacle, StatementReview};
