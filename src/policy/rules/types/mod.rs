//! What kind of value each part of an expression gives, as far as it can be known before anybody comes.
//!
//! Evaluation finds a mistake of kinds when it happens, and then the rule grants nothing and says so in
//! the log at best; worse, `attr.email != "x"` compares a list with a string and is always true. So
//! what can never be meant is refused when rules are loaded. What comes of claims, and what is not
//! known, passes.

mod kind;
mod words;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

pub(super) use self::kind::Kind;
use self::kind::Kind::{Any, Attributes, Authn, Bool, Bytes, Double, Int, List, Map, Null, Text, UInt};
use self::words::{count, never_equal, no_text, shown};
use super::needs::text;
use super::network::{WITHIN, is_network};

/// What can be called on a string.
struct Method {
    name: &'static str,
    takes: &'static [Kind],
    /// How many of these must be there.
    least: usize,
    gives: fn() -> Kind,
}

const fn method(name: &'static str, takes: &'static [Kind], least: usize, gives: fn() -> Kind) -> Method {
    Method { name, takes, least, gives }
}

const METHODS: &[Method] = &[
    method("contains", &[Text], 1, || Bool),
    method("startsWith", &[Text], 1, || Bool),
    method("endsWith", &[Text], 1, || Bool),
    method("charAt", &[Int], 1, || Text),
    method("indexOf", &[Text, Int], 1, || Int),
    method("lastIndexOf", &[Text, Int], 1, || Int),
    method("lowerAscii", &[], 0, || Text),
    method("upperAscii", &[], 0, || Text),
    method("trim", &[], 0, || Text),
    method("reverse", &[], 0, || Text),
    method("replace", &[Text, Text, Int], 2, || Text),
    method("split", &[Text, Int], 1, || List(Box::new(Text))),
    method("substring", &[Int, Int], 1, || Text),
    method(WITHIN, &[Text], 1, || Bool),
];

/// What `expression` gives, or what can't be meant in it.
pub(super) fn of(expression: &IdedExpr) -> Result<Kind, String> {
    Checker { bound: Vec::new() }.kind(expression)
}

/// Goes through an expression.
struct Checker<'e> {
    /// Names that comprehensions around bind.
    bound: Vec<(&'e str, Kind)>,
}

impl<'e> Checker<'e> {
    fn kind(&mut self, node: &'e IdedExpr) -> Result<Kind, String> {
        match &node.expr {
            Expr::Literal(literal) => Ok(of_literal(literal)),
            Expr::Ident(name) => Ok(self.of_name(name)),
            Expr::Select(select) => self.of_member(select),
            Expr::Call(call) => self.of_call(call),
            Expr::List(list) => {
                let kinds =
                    list.elements.iter().map(|item| self.kind(item)).collect::<Result<Vec<_>, _>>()?;
                let item = kinds.into_iter().reduce(Kind::joined).unwrap_or(Any);
                Ok(List(Box::new(item)))
            }
            Expr::Comprehension(inner) => self.of_comprehension(inner),
            Expr::Map(_) => Ok(Map),
            Expr::Struct(_) | Expr::Unspecified => Ok(Any),
        }
    }

    fn of_name(&self, name: &str) -> Kind {
        if let Some((_, kind)) = self.bound.iter().rev().find(|(bound, _)| *bound == name) {
            return kind.clone();
        }
        match name {
            "subject" | "issuer" | "provider" | "protocol" | "source_ip" => Text,
            "attr" => Attributes,
            "groups" => List(Box::new(Text)),
            "claim" => Map,
            "authn" => Authn,
            "time" => Int,
            _ => Any,
        }
    }

    fn of_member(&mut self, select: &'e SelectExpr) -> Result<Kind, String> {
        match self.kind(&select.operand)? {
            Any | Map if select.test => Ok(Bool),
            Any | Map => Ok(Any),
            Attributes if select.test => Ok(Bool),
            Authn => of_sign_in(&select.field).map(|kind| if select.test { Bool } else { kind }),
            Attributes => Ok(List(Box::new(Text))),
            other => {
                Err(format!("{} is {other}, which has no member {:?}", shown(&select.operand), select.field))
            }
        }
    }

    fn of_call(&mut self, call: &'e CallExpr) -> Result<Kind, String> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (
                operators::LOGICAL_AND
                | operators::LOGICAL_OR
                | operators::LOGICAL_NOT
                | operators::NOT_STRICTLY_FALSE,
                sides,
            ) => {
                sides.iter().try_for_each(|side| self.expect(side, &Bool))?;
                Ok(Bool)
            }
            (operators::CONDITIONAL, [condition, one, other]) => {
                self.expect(condition, &Bool)?;
                Ok(self.kind(one)?.joined(self.kind(other)?))
            }
            (operators::EQUALS | operators::NOT_EQUALS, [one, other]) => {
                let (left, right) = (self.kind(one)?, self.kind(other)?);
                if left.meets(&right) { Ok(Bool) } else { Err(never_equal((one, &left), (other, &right))) }
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                [one, other],
            ) => {
                self.same(one, other, |kind| matches!(kind, Any | Bool | Text | Bytes) || kind.is_number())?;
                Ok(Bool)
            }
            (operators::ADD, [one, other]) => {
                self.same(one, other, |kind| matches!(kind, Any | Text | Bytes | List(_)) || kind.is_number())
            }
            (
                operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO,
                [one, other],
            ) => self.same(one, other, Kind::is_number),
            (operators::NEGATE, [number]) => match self.kind(number)? {
                kind if kind.is_number() => Ok(kind),
                kind => Err(format!("{} is {kind}, not a number", shown(number))),
            },
            (operators::INDEX, [container, index]) => self.of_index(container, index),
            (operators::IN, [item, container]) => self.of_in(item, container),
            (name, arguments) => self.of_function(name, call.target.as_deref(), arguments),
        }
    }

    /// Two operands of one kind, which is `fit`.
    fn same(
        &mut self,
        one: &'e IdedExpr,
        other: &'e IdedExpr,
        fit: impl Fn(&Kind) -> bool,
    ) -> Result<Kind, String> {
        let (left, right) = (self.kind(one)?, self.kind(other)?);
        if fit(&left) && fit(&right) && left.meets(&right) {
            return Ok(match (left, right) {
                // What a text goes together with is one; of lists and numbers there are several kinds.
                (Any, kind @ (Text | Bytes)) | (kind @ (Text | Bytes), Any) => kind,
                (Any, List(_)) | (List(_), Any) => List(Box::new(Any)),
                (left, right) => left.joined(right),
            });
        }
        Err(format!("{} is {left} and {} is {right}: the two don't go together", shown(one), shown(other)))
    }

    fn of_index(&mut self, container: &'e IdedExpr, index: &'e IdedExpr) -> Result<Kind, String> {
        let (kind, by) = (self.kind(container)?, self.kind(index)?);
        match (kind, by) {
            (List(item), by) if by.is_number() => Ok(*item),
            (Attributes, Any | Text) => Ok(List(Box::new(Text))),
            (Any | Map, _) => Ok(Any),
            (kind, by) => Err(format!("{} is {kind}, which has no item by {by}", shown(container))),
        }
    }

    fn of_in(&mut self, item: &'e IdedExpr, container: &'e IdedExpr) -> Result<Kind, String> {
        let (kind, within) = (self.kind(item)?, self.kind(container)?);
        match &within {
            Any | Map => Ok(Bool),
            Attributes if kind.meets(&Text) => Ok(Bool),
            List(items) if kind.meets(items) => Ok(Bool),
            List(_) => Err(format!(
                "{} is {kind} and {} is {within}: it is never in there",
                shown(item),
                shown(container)
            )),
            other => {
                Err(format!("{} is {other}: only lists and maps have something in them", shown(container)))
            }
        }
    }

    fn of_function(
        &mut self,
        name: &str,
        target: Option<&'e IdedExpr>,
        arguments: &'e [IdedExpr],
    ) -> Result<Kind, String> {
        let not_so = || format!("{name} is not called like this");
        let method = METHODS.iter().find(|method| method.name == name);
        match (name, target, arguments) {
            ("size", None, [of]) | ("size", Some(of), []) => match self.kind(of)? {
                Any | Text | Bytes | List(_) | Map | Attributes => Ok(Int),
                kind => Err(format!("{} is {kind}, which has no size", shown(of))),
            },
            ("join", Some(list), separator @ ([] | [_])) => {
                separator.iter().try_for_each(|separator| self.expect(separator, &Text))?;
                self.expect(list, &List(Box::new(Text)))?;
                Ok(Text)
            }
            ("int" | "uint" | "double" | "string" | "bool", None, [of]) => {
                let kind = self.kind(of)?;
                if matches!(kind, List(_) | Map | Attributes | Null) {
                    return Err(format!("{} is {kind}: {name}() makes nothing of it", shown(of)));
                }
                Ok(match name {
                    "int" => Int,
                    "uint" => UInt,
                    "double" => Double,
                    "bool" => Bool,
                    _ => Text,
                })
            }
            (_, Some(target), arguments) => match method {
                Some(method) => self.of_method(method, target, arguments),
                None => Err(not_so()),
            },
            _ => Err(not_so()),
        }
    }

    fn of_method(
        &mut self,
        method: &Method,
        target: &'e IdedExpr,
        arguments: &'e [IdedExpr],
    ) -> Result<Kind, String> {
        let Method { name, takes, least, gives } = method;
        let kind = self.kind(target)?;
        if !kind.meets(&Text) {
            return Err(no_text(name, target, &kind));
        }
        if !(*least..=takes.len()).contains(&arguments.len()) {
            return Err(format!("{name} takes {}, not {}", count(*least, takes.len()), arguments.len()));
        }
        if *name == WITHIN {
            let network = arguments.first().and_then(text).filter(|network| is_network(network));
            network.ok_or_else(|| format!("{name} takes a network, such as \"10.0.0.0/8\", written out"))?;
        }
        arguments.iter().zip(*takes).try_for_each(|(argument, wanted)| self.expect(argument, wanted))?;
        Ok(gives())
    }

    fn of_comprehension(&mut self, inner: &'e ComprehensionExpr) -> Result<Kind, String> {
        let item = match self.kind(&inner.iter_range)? {
            List(item) => *item,
            Any | Map => Any,
            Attributes => Text,
            kind => {
                return Err(format!(
                    "{} is {kind}: only lists and maps have items",
                    shown(&inner.iter_range)
                ));
            }
        };
        let before = self.bound.len();
        self.bound.push((&inner.iter_var, item));
        if let Some(second) = &inner.iter_var2 {
            self.bound.push((second, Any));
        }
        let start = self.kind(&inner.accu_init)?;
        self.bound.push((&inner.accu_var, start));
        self.kind(&inner.loop_cond)?;
        self.kind(&inner.loop_step)?;
        let result = self.kind(&inner.result);
        self.bound.truncate(before);
        result
    }

    /// Whether `node` can be of this kind.
    fn expect(&mut self, node: &'e IdedExpr, wanted: &Kind) -> Result<(), String> {
        let kind = self.kind(node)?;
        if kind.meets(wanted) {
            return Ok(());
        }
        Err(format!("{} is {kind}, not {wanted}", shown(node)))
    }
}

/// What `authn.NAME` is.
fn of_sign_in(name: &str) -> Result<Kind, String> {
    match name {
        "methods" => Ok(List(Box::new(Text))),
        "context" => Ok(Text),
        "time" => Ok(Int),
        _ => Err(format!("there is no authn.{name}; write authn.methods, authn.context or authn.time")),
    }
}

fn of_literal(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::Boolean(_) => Bool,
        LiteralValue::Bytes(_) => Bytes,
        LiteralValue::Double(_) => Double,
        LiteralValue::Int(_) => Int,
        LiteralValue::Null => Null,
        LiteralValue::String(_) => Text,
        LiteralValue::UInt(_) => UInt,
    }
}

#[cfg(test)]
mod tests;
