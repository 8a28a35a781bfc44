//! Kinds of values.

use std::fmt;

use Kind::{Any, Attributes, Authn, Bool, Bytes, Double, Int, List, Map, Null, Text, UInt};

/// A kind of value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy::rules) enum Kind {
    /// Nobody knows yet.
    Any,
    Bool,
    Int,
    UInt,
    Double,
    Text,
    Bytes,
    Null,
    List(Box<Self>),
    Map,
    /// `attr`: names to lists of strings.
    Attributes,
    /// `authn`: how and when the person signed in.
    Authn,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Any => "a value",
            Bool => "true or false",
            Int | UInt | Double => "a number",
            Text => "a string",
            Bytes => "bytes",
            Null => "null",
            List(item) => return write!(f, "a list{}", item.of_many()),
            Map => "a map",
            Attributes => "all attributes",
            Authn => "what is known of the sign-in",
        })
    }
}

impl Kind {
    /// Many of them, behind the word list.
    const fn of_many(&self) -> &'static str {
        match self {
            Any => "",
            Bool => " of truth values",
            Int | UInt | Double => " of numbers",
            Text => " of strings",
            Bytes => " of bytes",
            Null => " of nulls",
            List(_) => " of lists",
            Map | Attributes | Authn => " of maps",
        }
    }

    /// Whether it is or may be a number.
    pub(super) const fn is_number(&self) -> bool {
        matches!(self, Any | Int | UInt | Double)
    }

    /// Whether a value of one kind can ever equal one of the other.
    pub(in crate::policy::rules) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Any, _) | (_, Any) => true,
            (List(one), List(other)) => one.meets(other),
            (Map | Attributes, Map | Attributes) => true,
            (one, other) => one == other || (one.is_number() && other.is_number()),
        }
    }

    /// What is either of the two.
    pub(super) fn joined(self, other: Self) -> Self {
        match (self, other) {
            (List(one), List(other)) => List(Box::new(one.joined(*other))),
            (one, other) if one == other => one,
            _ => Any,
        }
    }
}
