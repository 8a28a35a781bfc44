//! The small steps of reading a document: this object, that string, or a fault with its place.
//!
//! Each step returns nothing where it recorded a fault, so that `grammar` goes on with the rest.

use super::document::{PolicyFault, PolicyKind};
use super::json::Node;

/// The members of a JSON object.
pub(super) type Entries = [(String, Node)];

/// Reads the values of one document and remembers what is wrong with them.
pub(super) struct Reader {
    pub(super) kind: PolicyKind,
    /// The document's version gives `${…}` a meaning.
    pub(super) variables: bool,
    pub(super) faults: Vec<PolicyFault>,
}

impl Reader {
    pub(super) const fn new(kind: PolicyKind) -> Self {
        Self { kind, variables: false, faults: Vec::new() }
    }

    pub(super) fn fault(&mut self, at: &str, message: impl Into<String>) {
        self.faults.push(PolicyFault::new(at, message));
    }

    pub(super) fn known(&mut self, entries: &Entries, at: &str, known: &[&str]) {
        for (name, _) in entries.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let dot = if at.is_empty() { "" } else { "." };
            self.fault(&format!("{at}{dot}{name}"), "there is no such element");
        }
    }

    /// The values of the one of two elements that is there.
    pub(super) fn one_of<'n>(
        &mut self,
        entries: &'n Entries,
        [plain, negation]: [&str; 2],
        at: &str,
    ) -> Option<(bool, Vec<&'n str>, String)> {
        let (negated, node) = match (entry(entries, plain), entry(entries, negation)) {
            (Some(node), None) => (false, node),
            (None, Some(node)) => (true, node),
            (None, None) => {
                self.fault(at, format!("it has neither {plain} nor {negation}"));
                return None;
            }
            (Some(_), Some(_)) => {
                self.fault(at, format!("it has both {plain} and {negation}"));
                return None;
            }
        };
        let at = format!("{at}.{}", if negated { negation } else { plain });
        Some((negated, self.texts(node, &at)?, at))
    }

    pub(super) fn object<'n>(&mut self, node: &'n Node, at: &str) -> Option<&'n Entries> {
        match node {
            Node::Object(entries) if entries.is_empty() && at != "document" && !at.ends_with("Condition") => {
                self.fault(at, "it is empty");
                None
            }
            Node::Object(entries) => Some(entries),
            other => {
                self.fault(at, format!("it is {}, not an object", other.kind()));
                None
            }
        }
    }

    pub(super) fn text<'n>(&mut self, node: &'n Node, at: &str) -> Option<&'n str> {
        match node {
            Node::Text(text) => Some(text),
            other => {
                self.fault(at, format!("it is {}, not a string", other.kind()));
                None
            }
        }
    }

    /// One string or a list of strings, at least one.
    pub(super) fn texts<'n>(&mut self, node: &'n Node, at: &str) -> Option<Vec<&'n str>> {
        match node {
            Node::List(list) if list.is_empty() => {
                self.fault(at, "it is empty");
                None
            }
            Node::List(list) => list.iter().map(|node| self.text(node, at)).collect(),
            one => Some(vec![self.text(one, at)?]),
        }
    }

    /// Condition values: strings, numbers and booleans, one or a list of them.
    pub(super) fn scalars(&mut self, node: &Node, at: &str) -> Option<Vec<String>> {
        match node {
            Node::Text(text) | Node::Number(text) => Some(vec![text.clone()]),
            Node::Bool(value) => Some(vec![value.to_string()]),
            Node::List(list) if !list.is_empty() && !list.iter().any(|n| matches!(n, Node::List(_))) => {
                let each: Option<Vec<_>> = list.iter().map(|node| self.scalars(node, at)).collect();
                Some(each?.concat())
            }
            other => {
                self.fault(at, format!("it is {}, not a value or a list of values", other.kind()));
                None
            }
        }
    }
}

/// The member called `name`.
pub(super) fn entry<'n>(entries: &'n Entries, name: &str) -> Option<&'n Node> {
    entries.iter().find(|(key, _)| key == name).map(|(_, node)| node)
}
