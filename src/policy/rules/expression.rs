//! One compiled CEL expression.

use std::sync::Arc;

use cel::common::ast::IdedExpr;
use cel::{Context, Env, Value, extensions};

use super::clauses::{self, Clause};
use super::needs::{self, Need};
use super::network;
use super::shape;
use super::source::has_lone_equals;
use super::types::{self, Kind};
use crate::identity::FederatedIdentity;

/// The functions that rules may use, shared by all of them: it is expensive to make.
pub(super) fn environment() -> Arc<Env> {
    let mut env = Env::stdlib().with_optional_support(false);
    // Nothing else is declared that they could collide with; if it were, a rule that calls one of
    // these functions would fail at evaluation, which grants nothing.
    let _ = env.add_extension(extensions::strings);
    let _ = env.add_extension(network::extension);
    Arc::new(env)
}

/// An expression whose shape was found acceptable.
#[derive(Debug)]
pub(super) struct Expression(IdedExpr);

impl Expression {
    /// Compiles `source`, which must give a value of this kind, or says what is wrong with it.
    pub(super) fn compile(env: &Env, source: &str, wanted: &Kind) -> Result<Self, String> {
        shape::parseable(source)?;
        let mut tree = env.parser().parse(source).map_err(|errors| {
            let first = errors.errors.first();
            let hint = if has_lone_equals(source) { "; write == to compare" } else { "" };
            let what = first.map_or("it is not CEL".to_owned(), |e| format!("column {}: {}", e.pos.1, e.msg));
            format!("{what}{hint}")
        })?;
        shape::admit(&mut tree)?;
        let kind = types::of(&tree)?;
        if !kind.meets(wanted) {
            return Err(format!("it gives {kind}, not {wanted}"));
        }
        Ok(Self(tree))
    }

    /// What an identity must have for it to be true, if anybody knows.
    pub(super) fn needs(&self) -> Option<Vec<Need>> {
        needs::of(&self.0)
    }

    /// Its parts, whose source is `written`, with what each saw of `identity`.
    pub(super) fn clauses(
        &self,
        written: &str,
        identity: &FederatedIdentity,
        context: &Context<'_, '_>,
    ) -> Vec<Clause> {
        clauses::of(&self.0, written, identity, context)
    }

    /// Its value, which must be true or false.
    pub(super) fn boolean(&self, context: &Context<'_, '_>) -> Result<bool, String> {
        match self.value(context)? {
            Value::Bool(value) => Ok(value),
            other => Err(format!("it gives {}, not true or false", other.type_of())),
        }
    }

    /// Its value, which must be a string.
    pub(super) fn text(&self, context: &Context<'_, '_>) -> Result<String, String> {
        match self.value(context)? {
            Value::String(text) => Ok(Arc::unwrap_or_clone(text)),
            other => Err(format!("it gives {}, not a string", other.type_of())),
        }
    }

    fn value(&self, context: &Context<'_, '_>) -> Result<Value, String> {
        Value::resolve(&self.0, context).map_err(|error| error.to_string())
    }
}
