//! One line of a `Condition` block: an operator, a key, and the values it may have (facts 5.2).
//!
//! Several values are alternatives; for a negated operator none of them may match. A key that
//! is absent fails a positive operator and passes a negated one. Where AWS leaves open what
//! happens, this is what happens here: a request value that can't be read as the operator's
//! type matches nothing (so a negated operator holds), and a key with several values under an
//! operator without a set prefix matches when any of them does.

use std::borrow::Cow;

use super::context::{RequestContext, folded};
use super::operand::{self, Decimal};
use super::operator::{Comparison, Operator, Order, Quantifier};
use super::pattern::{self, Unit};
use super::variable::{Reading, Template};
use crate::clock::Moment;
use crate::network::Network;

/// A compiled condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    operator: Operator,
    key: String,
    test: Test,
    written: Written,
}

/// A condition as its author wrote it, for whoever wonders why it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// Such as `ForAnyValue:StringLike`.
    pub(super) operator: String,
    /// Such as `saml:aud`.
    pub(super) key: String,
    /// The values it may have; `${…}` as written.
    pub(super) values: Vec<String>,
}

/// The policy's values, in the type that the operator compares.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Equal(Vec<Template>),
    EqualIgnoringCase(Vec<Template>),
    Like(Vec<Template>),
    Arn(Vec<Template>),
    Numeric(Order, Vec<Decimal>),
    Date(Order, Vec<Moment>),
    Bool(Vec<bool>),
    Binary(Vec<Vec<u8>>),
    Network(Vec<Network>),
    /// Whether the key may be absent, present.
    Null(Vec<bool>),
}

impl Condition {
    /// Compiles one line, whose operator is `operator`. `variables`: whether `${…}` means something
    /// in this policy.
    pub(super) fn compile(written: Written, operator: Operator, variables: bool) -> Result<Self, String> {
        if written.key.is_empty() || !written.key.contains(':') {
            return Err(format!("{:?} is not a condition key such as aws:SourceIp", written.key));
        }
        let key = folded(written.key.as_str().into()).into_owned();
        let test = Test::compile(operator.comparison, &written.values, variables)?;
        Ok(Self { operator, key, test, written })
    }

    /// What was written.
    pub(super) const fn written(&self) -> &Written {
        &self.written
    }

    /// Whether nobody can tell which value a request has for this key.
    pub(super) fn is_undecided(&self, context: &RequestContext<'_>) -> bool {
        context.is_undecided(&self.key)
    }

    /// The values that a request has for this key.
    pub(super) fn seen<'c>(&self, context: &'c RequestContext<'_>) -> impl Iterator<Item = &'c str> {
        context.get(&self.key).iter().map(AsRef::as_ref)
    }

    /// Whether the request meets this condition; `None` where nobody can tell.
    pub(super) fn holds(&self, context: &RequestContext<'_>) -> Option<bool> {
        (!context.is_undecided(&self.key)).then(|| self.holds_for(context.get(&self.key), context))
    }

    fn holds_for(&self, values: &[Cow<'_, str>], context: &RequestContext<'_>) -> bool {
        if let Test::Null(wanted) = &self.test {
            return wanted.contains(&values.is_empty());
        }
        let Operator { quantifier, negated, if_exists, .. } = self.operator;
        if values.is_empty() {
            return if_exists
                || match quantifier {
                    Quantifier::Single => negated,
                    Quantifier::ForAllValues => true,
                    Quantifier::ForAnyValue => false,
                };
        }
        let matches = |value: &str| self.test.matches(value, context);
        match quantifier {
            Quantifier::Single => values.iter().any(|value| matches(value)) != negated,
            Quantifier::ForAllValues => values.iter().all(|value| matches(value) != negated),
            Quantifier::ForAnyValue => values.iter().any(|value| matches(value) != negated),
        }
    }
}

impl Test {
    fn compile(comparison: Comparison, values: &[String], variables: bool) -> Result<Self, String> {
        let templates = |wildcards| -> Result<Vec<Template>, String> {
            values.iter().map(|v| Template::parse(v, Reading { variables, wildcards })).collect()
        };
        Ok(match comparison {
            Comparison::StringEquals => Self::Equal(templates(false)?),
            Comparison::StringEqualsIgnoreCase => Self::EqualIgnoringCase(templates(false)?),
            Comparison::StringLike => Self::Like(templates(true)?),
            Comparison::Arn => {
                arn_shaped(values)?;
                Self::Arn(templates(true)?)
            }
            Comparison::Numeric(order) => Self::Numeric(order, read(values, Decimal::parse, "a number")?),
            Comparison::Date(order) => {
                let wanted = "a date such as 2030-01-01T00:00:00Z, or seconds since 1970";
                Self::Date(order, read(values, operand::date, wanted)?)
            }
            Comparison::Bool => Self::Bool(read(values, operand::boolean, "true or false")?),
            Comparison::Null => Self::Null(read(values, operand::boolean, "true or false")?),
            Comparison::Binary => Self::Binary(read(values, operand::binary, "base64")?),
            Comparison::IpAddress => {
                Self::Network(read(values, Network::parse, "an address or CIDR range such as 192.0.2.0/24")?)
            }
        })
    }

    fn matches(&self, value: &str, context: &RequestContext<'_>) -> bool {
        match self {
            Self::Equal(templates) | Self::Like(templates) => {
                any(templates, context, |units| pattern::matches(units, value))
            }
            Self::EqualIgnoringCase(templates) => {
                let value = value.to_lowercase();
                any(templates, context, |units| text_of(units).to_lowercase() == value)
            }
            Self::Arn(templates) => any(templates, context, |units| arn_matches(units, value)),
            Self::Numeric(order, wanted) => compare(*order, Decimal::parse(value), wanted),
            Self::Date(order, wanted) => compare(*order, operand::date(value), wanted),
            Self::Bool(wanted) => operand::boolean(value).is_some_and(|value| wanted.contains(&value)),
            Self::Binary(wanted) => operand::binary(value).is_some_and(|value| wanted.contains(&value)),
            Self::Network(wanted) => {
                value.parse().is_ok_and(|address| wanted.iter().any(|network| network.contains(address)))
            }
            Self::Null(_) => false,
        }
    }
}

fn read<T>(values: &[String], parse: impl Fn(&str) -> Option<T>, wanted: &str) -> Result<Vec<T>, String> {
    values.iter().map(|value| parse(value).ok_or_else(|| format!("{value:?} is not {wanted}"))).collect()
}

fn compare<T: Ord>(order: Order, value: Option<T>, wanted: &[T]) -> bool {
    value.is_some_and(|value| wanted.iter().any(|policy| order.holds(&value, policy)))
}

fn any(templates: &[Template], context: &RequestContext<'_>, matches: impl Fn(&[Unit<'_>]) -> bool) -> bool {
    templates.iter().filter_map(|template| template.resolve(context)).any(|units| matches(&units))
}

/// The text of a template that has no wildcards.
fn text_of(units: &[Unit<'_>]) -> String {
    units.iter().map(|unit| if let Unit::Text(text) = unit { text } else { "" }).collect()
}

/// An ARN pattern needs six parts, unless a variable brings some of them.
fn arn_shaped(values: &[String]) -> Result<(), String> {
    let bad = values.iter().find(|v| *v != "*" && !v.contains("${") && v.split(':').count() < 6);
    bad.map_or(Ok(()), |value| Err(format!("{value:?} is not an ARN of six parts, nor a pattern of one")))
}

/// Compares part by part, so that no `*` reaches over a colon of the first five. A bare `*` is
/// every ARN.
fn arn_matches(units: &[Unit<'_>], value: &str) -> bool {
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    if parts.len() != 6 {
        return false;
    }
    if units == [Unit::Run] {
        return true;
    }
    let patterns = split_parts(units);
    patterns.len() == 6 && patterns.iter().zip(parts).all(|(units, part)| pattern::matches(units, part))
}

/// Splits pattern units at the first five colons.
fn split_parts<'a>(units: &[Unit<'a>]) -> Vec<Vec<Unit<'a>>> {
    let mut parts = vec![Vec::new()];
    for unit in units {
        let Unit::Text(text) = unit else {
            add(&mut parts, *unit);
            continue;
        };
        for (index, piece) in text.splitn(7 - parts.len(), ':').enumerate() {
            if index > 0 {
                parts.push(Vec::new());
            }
            add(&mut parts, Unit::Text(piece));
        }
    }
    parts
}

fn add<'a>(parts: &mut [Vec<Unit<'a>>], unit: Unit<'a>) {
    if let Some(last) = parts.last_mut() {
        last.push(unit);
    }
}

#[cfg(test)]
#[path = "condition_tests.rs"]
mod tests;
