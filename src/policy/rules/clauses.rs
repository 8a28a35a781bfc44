//! Which part of a condition holds, and what it saw: for whoever wonders why a rule did not match.
//!
//! A condition is taken apart at its `&&` and `||`. Each part is evaluated by itself, whatever the parts
//! before it came to, and shown with the values that it reads: variables, attributes and claims. The parts
//! are found twice, in the compiled expression and in the source; where the two differ, the condition is
//! one part.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::{Context, Value};

use super::derived::RolesFrom;
use super::shape::VARIABLES;
use super::source::Outside;
use crate::identity::FederatedIdentity;

/// A part of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// As written.
    pub source: String,
    /// Whether it holds, or why nobody can tell.
    pub holds: Result<bool, String>,
    /// What it reads.
    pub reads: Vec<Read>,
}

/// A value that a clause reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Such as `attr.department`.
    pub name: String,
    /// What was there: of a list each item, of an object the names of its members; nothing where there
    /// is nothing.
    pub values: Vec<String>,
}

/// The parts of `condition`, whose source is `written`, for `identity`.
pub(super) fn of(
    condition: &IdedExpr,
    written: &str,
    identity: &FederatedIdentity,
    context: &Context<'_, '_>,
) -> Vec<Clause> {
    let (mut nodes, mut sources) = (Vec::new(), Vec::new());
    take_apart(condition, &mut nodes);
    split(written, &mut sources);
    if nodes.len() != sources.len() {
        (nodes, sources) = (vec![condition], vec![written.trim()]);
    }
    let clause = |(node, source): (&IdedExpr, &str)| {
        let mut reader = Reader { identity, context, reads: Vec::new() };
        reader.visit(node);
        let holds = match Value::resolve(node, context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("it gives {}, not true or false", other.type_of())),
            Err(error) => Err(error.to_string()),
        };
        Clause { source: source.to_owned(), holds, reads: reader.reads }
    };
    nodes.into_iter().zip(sources).map(clause).collect()
}

/// That roles are found in what an identity says, as a part of the condition.
pub(super) fn of_roles(from: &RolesFrom, identity: &FederatedIdentity) -> Clause {
    let name = match from.attribute() {
        "groups" => "groups".to_owned(),
        attribute => format!("attr[{attribute:?}]"),
    };
    Clause {
        source: format!("{:?} in {name}", from.pattern()),
        holds: Ok(from.found_in(identity).next().is_some()),
        reads: vec![Read { name, values: from.values(identity).to_vec() }],
    }
}

fn take_apart<'e>(node: &'e IdedExpr, parts: &mut Vec<&'e IdedExpr>) {
    match &node.expr {
        Expr::Call(CallExpr { func_name, args, .. })
            if matches!(func_name.as_str(), operators::LOGICAL_AND | operators::LOGICAL_OR) =>
        {
            args.iter().for_each(|arg| take_apart(arg, parts));
        }
        _ => parts.push(node),
    }
}

/// Cuts a source where [`take_apart`] takes its expression apart.
fn split<'s>(source: &'s str, parts: &mut Vec<&'s str>) {
    let source = source.trim();
    if let Some(inner) = unwrapped(source) {
        return split(inner, parts);
    }
    for operator in ["||", "&&"] {
        let pieces = pieces(source, operator);
        if pieces.len() > 1 {
            return pieces.into_iter().for_each(|piece| split(piece, parts));
        }
    }
    parts.push(source);
}

/// The parts of a source that must all hold for it to hold.
pub(super) fn conjuncts(source: &str) -> Vec<&str> {
    let source = source.trim();
    if let Some(inner) = unwrapped(source) {
        return conjuncts(inner);
    }
    let parts = pieces(source, "&&");
    let is_comment = |(at, c, _): (usize, char, i32)| c == '/' && source[at..].starts_with("//");
    if pieces(source, "||").len() > 1 || parts.len() == 1 || Outside::of(source).any(is_comment) {
        return vec![source];
    }
    parts.into_iter().flat_map(conjuncts).collect()
}

/// What stands between brackets that are around the whole of it.
fn unwrapped(source: &str) -> Option<&str> {
    let inner = source.strip_prefix('(')?.strip_suffix(')')?;
    let closes_early = Outside::of(inner).any(|(_, _, depth)| depth < 0);
    (!closes_early).then_some(inner)
}

/// `source` without the `operator`s that stand in no brackets; whole where it is a choice by `?`.
fn pieces<'s>(source: &'s str, operator: &str) -> Vec<&'s str> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    for (at, c, depth) in Outside::of(source) {
        if depth == 0 && c == '?' {
            return vec![source];
        }
        if depth == 0 && at >= start && source[at..].starts_with(operator) {
            pieces.push(&source[start..at]);
            start = at + operator.len();
        }
    }
    pieces.push(&source[start..]);
    pieces
}

/// Finds what an expression reads.
struct Reader<'a, 'c, 'p, 'v> {
    identity: &'a FederatedIdentity,
    context: &'c Context<'p, 'v>,
    reads: Vec<Read>,
}

impl Reader<'_, '_, '_, '_> {
    fn visit(&mut self, node: &IdedExpr) {
        if let Some(name) = path(node) {
            if self.reads.iter().all(|read| read.name != name) {
                let values = self.values(&name, node);
                self.reads.push(Read { name, values });
            }
            return;
        }
        match &node.expr {
            Expr::Select(select) => self.visit(&select.operand),
            Expr::List(list) => list.elements.iter().for_each(|item| self.visit(item)),
            Expr::Call(call) => {
                call.target.iter().for_each(|target| self.visit(target));
                call.args.iter().for_each(|argument| self.visit(argument));
            }
            Expr::Comprehension(inner) => {
                self.visit(&inner.iter_range);
                // A name that is bound here is not the variable of the same name.
                let bound = [Some(&inner.iter_var), inner.iter_var2.as_ref()];
                if !bound.into_iter().flatten().any(|name| VARIABLES.contains(&name.as_str())) {
                    self.visit(&inner.loop_step);
                }
            }
            _ => {}
        }
    }

    fn values(&self, name: &str, node: &IdedExpr) -> Vec<String> {
        match (name, self.identity.claims()) {
            ("attr", _) => self.identity.attributes().keys().cloned().collect(),
            ("claim", claims) => claims.into_iter().flatten().map(|(name, _)| name.clone()).collect(),
            _ => Value::resolve(node, self.context).map_or_else(|_| Vec::new(), |value| texts(&value)),
        }
    }
}

/// How a variable, or a member of one, is written; `attr.x[0]` is more than that, it is of `attr.x`.
fn path(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) => VARIABLES.contains(&name.as_str()).then(|| name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [of, IdedExpr { expr: Expr::Literal(LiteralValue::String(name)), .. }] => {
                Some(format!("{}[{:?}]", path(of)?, name.inner()))
            }
            _ => None,
        },
        _ => None,
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().flat_map(texts).collect(),
        Value::Map(map) => {
            let mut names: Vec<_> = map.map.keys().map(ToString::to_string).collect();
            names.sort();
            names
        }
        Value::String(text) => vec![text.to_string()],
        Value::Int(number) => vec![number.to_string()],
        Value::UInt(number) => vec![number.to_string()],
        Value::Float(number) => vec![number.to_string()],
        Value::Bool(value) => vec![value.to_string()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::identity::testing::IdentityBuilder;
    use crate::policy::{Circumstances, RuleSource, Rules};

    #[test]
    fn a_source_is_cut_at_its_own_operators() {
        for (source, expected) in [
            ("a", &["a"][..]),
            ("a && b || c", &["a", "b", "c"]),
            ("(a || b) && c", &["a", "b", "c"]),
            ("((a)) && (b)", &["a", "b"]),
            ("(a) && f(b || c)", &["a", "f(b || c)"]),
            ("!(a && b)", &["!(a && b)"]),
            ("(a && b) == (c && d)", &["(a && b) == (c && d)"]),
            ("a ? b && c : d", &["a ? b && c : d"]),
            ("(a ? b : c) && d", &["a ? b : c", "d"]),
            (r#""x && y" in groups && z"#, &[r#""x && y" in groups"#, "z"]),
            (r#"'\'&&' == a && b"#, &[r#"'\'&&' == a"#, "b"]),
            (r#"r'\' == a && b"#, &[r#"r'\' == a"#, "b"]),
            (r#"""" "&& """ == a && b"#, &[r#"""" "&& """ == a"#, "b"]),
            ("x[\"(\"] && b", &["x[\"(\"]", "b"]),
            ("'é' == a && b", &["'é' == a", "b"]),
            ("'open && b", &["'open && b"]),
        ] {
            let mut parts = Vec::new();
            split(source, &mut parts);
            assert_eq!(parts, expected, "{source}");
        }
    }

    fn ann() -> FederatedIdentity {
        IdentityBuilder::saml("arn:aws:iam::111122223333:saml-provider/corp", "corp", "ann")
            .attribute("groups", &["staff", "platform"])
            .attribute("department", &["sales"])
            .attribute("cost-centre", &["7"])
            .build()
    }

    fn job() -> FederatedIdentity {
        let provider = "arn:aws:iam::111122223333:oidc-provider/ci.example.com";
        let claims = serde_json::json!({
            "sub": "job", "aud": "sts", "run": 7, "realm": { "roles": ["a", "b"], "open": true },
        });
        IdentityBuilder::oidc(provider, "ci", "https://ci.example.com", claims).build()
    }

    /// Each clause in a line: whether it holds, as written, what it reads.
    fn clauses(when: &str, identity: &FederatedIdentity) -> Vec<String> {
        let roles = vec!["arn:aws:iam::111122223333:role/R".parse().unwrap()];
        let source = RuleSource { name: "r".into(), when: when.into(), roles, ..RuleSource::default() };
        let rules = Rules::compile(vec![source]).unwrap_or_else(|faults| panic!("{faults:?}"));
        let clauses = rules.clauses(&rules.all()[0], identity, Circumstances::at(Moment::from_unix(60)));
        let line = |clause: Clause| {
            let reads = clause.reads.iter().map(|read| format!("{}={}", read.name, read.values.join("+")));
            let reads = reads.collect::<Vec<_>>().join(" ");
            let holds = clause.holds.map_or_else(|reason| reason, |holds| holds.to_string());
            format!("{holds}: {} | {reads}", clause.source)
        };
        clauses.into_iter().map(line).collect()
    }

    #[test]
    fn each_clause_says_whether_it_holds_and_what_it_saw() {
        for (when, expected) in [
            (
                r#""platform" in groups && attr.department[0] == "engineering""#,
                &[
                    r#"true: "platform" in groups | groups=staff+platform"#,
                    r#"false: attr.department[0] == "engineering" | attr.department=sales"#,
                ][..],
            ),
            (
                r#"attr.desk[0] == "7" || (time > 100 && subject == "ann")"#,
                &[
                    r#"Index out of bounds: Int(0): attr.desk[0] == "7" | attr.desk="#,
                    "false: time > 100 | time=60",
                    r#"true: subject == "ann" | subject=ann"#,
                ],
            ),
            (
                r#"attr["cost-centre"].exists(c, c.startsWith(subject))"#,
                &[
                    r#"false: attr["cost-centre"].exists(c, c.startsWith(subject)) | attr["cost-centre"]=7 subject=ann"#,
                ],
            ),
            (
                "has(attr.mail) && size(claim) > 0",
                &[
                    "false: has(attr.mail) | attr=cost-centre+department+groups",
                    "false: size(claim) > 0 | claim=",
                ],
            ),
            (
                r#"attr.team.exists(groups, groups == "x")"#,
                &[r#"false: attr.team.exists(groups, groups == "x") | attr.team="#],
            ),
        ] {
            assert_eq!(clauses(when, &ann()), expected, "{when}");
        }
        assert_eq!(
            clauses(r#""c" in claim.realm.roles && claim.run == 8 && "x" in claim.realm"#, &job()),
            [
                r#"false: "c" in claim.realm.roles | claim.realm.roles=a+b"#,
                "false: claim.run == 8 | claim.run=7",
                r#"false: "x" in claim.realm | claim.realm=open+roles"#,
            ]
        );
    }

    /// However a condition is written, its clauses are those of the compiled one; else it stays whole.
    #[test]
    fn what_is_cut_wrongly_stays_whole() {
        let strange = "subject == \"x\" // && nothing\n && time > 1";
        assert_eq!(clauses(strange, &ann()).len(), 1);
        assert_eq!(clauses("subject == \"x\" && time > 1", &ann()).len(), 2);
    }
}
