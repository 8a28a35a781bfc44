//! The grammar of policy documents (facts 5.1): which elements, where, of which type.
//!
//! The whole document is gone through and every fault gathered ([`Reader`]). An element that is
//! not known is a fault, not something to skip: a misspelt `Condition` would widen the policy.

use super::condition::{Condition, Written};
use super::document::{Actions, Effect, PolicyFault, PolicyKind, Resources, Statement};
use super::json::Node;
use super::operator::Operator;
use super::pattern::FoldedPattern;
use super::principals::Principals;
use super::reader::{Entries, Reader, entry};
use super::variable::{Reading, Template};

/// Reads a document: its id and its statements.
pub(super) fn read(
    kind: PolicyKind,
    document: &Node,
) -> Result<(Option<String>, Vec<Statement>), Vec<PolicyFault>> {
    let mut reader = Reader::new(kind);
    let parts = reader.document(document);
    match parts {
        Some(parts) if reader.faults.is_empty() => Ok(parts),
        _ => Err(reader.faults),
    }
}

impl Reader {
    fn document(&mut self, node: &Node) -> Option<(Option<String>, Vec<Statement>)> {
        let entries = self.object(node, "document")?;
        self.known(entries, "", &["Version", "Id", "Statement"]);
        let version = entry(entries, "Version").and_then(|node| self.text(node, "Version"));
        if let Some(other) = version.filter(|v| !matches!(*v, "2012-10-17" | "2008-10-17")) {
            self.fault("Version", format!("{other:?} is neither 2012-10-17 nor 2008-10-17"));
        }
        self.variables = version == Some("2012-10-17");
        let id = entry(entries, "Id").and_then(|node| self.text(node, "Id")).map(str::to_owned);
        let Some(node) = entry(entries, "Statement") else {
            self.fault("document", "it has no Statement");
            return None;
        };
        let statements: Vec<Statement> = match node {
            Node::List(list) => list
                .iter()
                .enumerate()
                .filter_map(|(index, node)| self.statement(node, &format!("Statement[{index}]")))
                .collect(),
            one => self.statement(one, "Statement").into_iter().collect(),
        };
        if matches!(node, Node::List(list) if list.is_empty()) {
            self.fault("Statement", "it is empty");
        }
        self.unique_sids(&statements);
        Some((id, statements))
    }

    fn statement(&mut self, node: &Node, at: &str) -> Option<Statement> {
        const KNOWN: &[&str] = &[
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        let entries = self.object(node, at)?;
        self.known(entries, at, KNOWN);
        let sid = self.sid(entries, at);
        let effect = self.effect(entries, at);
        let principals = self.principals(entries, effect, at);
        let actions = self.actions(entries, at);
        let resources = self.resources(entries, at);
        let conditions = self.conditions(entries, at);
        self.wildcard_principal(principals.as_ref(), actions.as_ref(), effect, at);
        Some(Statement { sid, effect: effect?, principals, actions: actions?, resources, conditions })
    }

    fn sid(&mut self, entries: &Entries, at: &str) -> Option<String> {
        let at = format!("{at}.Sid");
        let sid = self.text(entry(entries, "Sid")?, &at)?;
        if !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            self.fault(&at, format!("{sid:?} has characters other than A-Z, a-z and 0-9"));
        }
        Some(sid.to_owned())
    }

    fn effect(&mut self, entries: &Entries, at: &str) -> Option<Effect> {
        let Some(node) = entry(entries, "Effect") else {
            self.fault(at, "it has no Effect");
            return None;
        };
        let at = format!("{at}.Effect");
        match self.text(node, &at)? {
            "Allow" => Some(Effect::Allow),
            "Deny" => Some(Effect::Deny),
            other => {
                self.fault(&at, format!("{other:?} is neither Allow nor Deny"));
                None
            }
        }
    }

    fn principals(&mut self, entries: &Entries, effect: Option<Effect>, at: &str) -> Option<Principals> {
        let (node, except) = (entry(entries, "Principal"), entry(entries, "NotPrincipal"));
        if !self.kind.names_principals() {
            let written = [("Principal", node), ("NotPrincipal", except)];
            for (element, _) in written.into_iter().filter(|(_, node)| node.is_some()) {
                let message = format!("a {element} stands in trust and resource policies only");
                self.fault(&format!("{at}.{element}"), message);
            }
            return None;
        }
        match (node, except) {
            (Some(node), None) => self.listed_principals(node, &format!("{at}.Principal")),
            (None, Some(node)) => {
                let at = format!("{at}.NotPrincipal");
                if self.kind == PolicyKind::Trust {
                    self.fault(&at, "a trust policy has no NotPrincipal");
                } else if effect == Some(Effect::Allow) {
                    self.fault(&at, "NotPrincipal stands beside Deny only: it would allow everybody else");
                }
                let principals = self.listed_principals(node, &at)?;
                if principals.anyone {
                    self.fault(&at, "it leaves nobody that the statement would speak of");
                }
                Some(principals.everybody_else())
            }
            (None, None) => {
                self.fault(at, "it has no Principal");
                None
            }
            (Some(_), Some(_)) => {
                self.fault(at, "it has both Principal and NotPrincipal");
                None
            }
        }
    }

    fn listed_principals(&mut self, node: &Node, at: &str) -> Option<Principals> {
        if matches!(node, Node::Text(text) if text == "*") {
            return Some(Principals::everybody());
        }
        let mut principals = Principals::default();
        for (kind, node) in self.object(node, at)? {
            let at = format!("{at}.{kind}");
            let Some(values) = self.texts(node, &at) else { continue };
            for value in values {
                if let Err(message) = principals.add(kind, value) {
                    self.fault(&at, message);
                }
            }
        }
        Some(principals)
    }

    fn actions(&mut self, entries: &Entries, at: &str) -> Option<Actions> {
        let (negated, values, at) = self.one_of(entries, ["Action", "NotAction"], at)?;
        for action in &values {
            let is_sts = action.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("sts:"));
            if self.kind == PolicyKind::Trust && !is_sts {
                self.fault(&at, format!("{action:?}: a trust policy speaks of sts: actions only"));
            } else if *action != "*" && !is_action(action) {
                self.fault(&at, format!("{action:?} is not an action such as sts:AssumeRole"));
            }
        }
        Some(Actions { negated, patterns: values.into_iter().map(FoldedPattern::new).collect() })
    }

    fn resources(&mut self, entries: &Entries, at: &str) -> Option<Resources> {
        let elements = ["Resource", "NotResource"];
        if self.kind == PolicyKind::Trust {
            for element in elements.into_iter().filter(|name| entry(entries, name).is_some()) {
                self.fault(&format!("{at}.{element}"), "a trust policy speaks of its own role only");
            }
            return None;
        }
        let (negated, values, at) = self.one_of(entries, elements, at)?;
        let mut patterns = Vec::new();
        for value in values {
            let reading = Reading { variables: self.variables, wildcards: true };
            match Template::parse(value, reading) {
                Ok(_) if value != "*" && !value.starts_with("arn:") => {
                    self.fault(&at, format!("{value:?} is neither an ARN nor *"));
                }
                Ok(_) if self.variables && has_early_variable(value) => {
                    self.fault(&at, format!("the variable in {value:?} stands before the fifth colon"));
                }
                Ok(template) => patterns.push(template),
                Err(message) => self.fault(&at, message),
            }
        }
        Some(Resources { negated, patterns })
    }

    fn conditions(&mut self, entries: &Entries, at: &str) -> Vec<Condition> {
        let at = format!("{at}.Condition");
        let Some(node) = entry(entries, "Condition") else { return Vec::new() };
        let Some(operators) = self.object(node, &at) else { return Vec::new() };
        let mut conditions = Vec::new();
        for (name, keys) in operators {
            let at = format!("{at}.{name}");
            let Some(operator) = Operator::parse(name) else {
                self.fault(&at, format!("{name:?} is not a condition operator"));
                continue;
            };
            for (key, values) in self.object(keys, &at).unwrap_or_default() {
                let at = format!("{at}.{key}");
                let Some(values) = self.scalars(values, &at) else { continue };
                let written = Written { operator: name.clone(), key: key.clone(), values };
                match Condition::compile(written, operator, self.variables) {
                    Ok(condition) => conditions.push(condition),
                    Err(message) => self.fault(&at, message),
                }
            }
        }
        conditions
    }

    /// IAM refuses a wildcard principal with a federation action (facts 2.6), where it could
    /// never authorise anybody. A `Deny` may well speak of everybody.
    fn wildcard_principal(
        &mut self,
        principals: Option<&Principals>,
        actions: Option<&Actions>,
        effect: Option<Effect>,
        at: &str,
    ) {
        let federation = ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];
        let (Some(principals), Some(actions)) = (principals, actions) else { return };
        let only_federation = !actions.negated
            && federation.iter().any(|action| actions.include(action))
            && !actions.include("sts:AssumeRole");
        if principals.anyone && only_federation && effect == Some(Effect::Allow) {
            let message = "AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".";
            self.fault(&format!("{at}.Principal"), message);
        }
    }

    fn unique_sids(&mut self, statements: &[Statement]) {
        for (index, statement) in statements.iter().enumerate() {
            let sid = statement.sid.as_deref().filter(|sid| !sid.is_empty());
            if sid.is_some() && statements[..index].iter().any(|s| s.sid.as_deref() == sid) {
                let sid = sid.unwrap_or_default();
                self.fault("Statement", format!("the Sid {sid:?} is used twice"));
            }
        }
    }
}

/// Whether a variable stands in an ARN before its resource, where AWS takes none (facts 5.3).
fn has_early_variable(resource: &str) -> bool {
    resource.split_once("${").is_some_and(|(before, _)| before.matches(':').count() < 5)
}

/// `service:name`, with wildcards in either.
fn is_action(text: &str) -> bool {
    let of = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"*?-_".contains(&b))
    };
    text.split_once(':').is_some_and(|(service, name)| of(service) && of(name))
}
