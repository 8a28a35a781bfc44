//! The shape that an attribute rule's expression may have.
//!
//! A CEL parser recurses: a few KB of chained operators overflow the stack and take the whole
//! process down, and nested comprehensions run for seconds (`all` in `all` in `all` …). So the
//! source is measured before it is parsed, and the tree before it is kept.

use super::network::WITHIN;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};

/// The longest source in bytes.
const MAX_SOURCE: usize = 1024;
/// Operator characters in a source, counted in string literals too, where they do no harm but
/// can't hide either. `&&`, `||` and `,` are free: they do not deepen the tree.
const MAX_OPERATORS: usize = 256;
/// Brackets open at once.
const MAX_BRACKETS: usize = 16;
/// Levels of the tree. Evaluation recurses too, on the stack of whoever asks: 20 levels take
/// up to 1 MiB of the usual 2 MiB in a debug build.
const MAX_DEPTH: usize = 20;

/// What a rule may name (`view` gives the values).
pub(super) const VARIABLES: &[&str] =
    &["subject", "issuer", "provider", "protocol", "attr", "claim", "groups", "authn", "source_ip", "time"];

/// What a rule may call. `matches` and `format` are left out: a regular expression is compiled
/// anew at every evaluation, and a width of `format` can ask for any amount of memory.
pub(super) const FUNCTIONS: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "charAt",
    "indexOf",
    "lastIndexOf",
    "join",
    "lowerAscii",
    "upperAscii",
    "trim",
    "replace",
    "split",
    "substring",
    "reverse",
    WITHIN,
];

const OPERATORS: &[&str] = &[
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::NOT_STRICTLY_FALSE,
    operators::IN,
];

/// Whether `source` may be given to the parser.
pub(super) fn parseable(source: &str) -> Result<(), String> {
    if source.len() > MAX_SOURCE {
        return Err(format!("it is longer than {MAX_SOURCE} bytes"));
    }
    if source.bytes().filter(|b| b"+-*/%<>=!?:.[({".contains(b)).count() > MAX_OPERATORS {
        return Err(format!("it has more than {MAX_OPERATORS} operators"));
    }
    let mut open: usize = 0;
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_BRACKETS {
            return Err(format!("it nests brackets more than {MAX_BRACKETS} deep"));
        }
    }
    Ok(())
}

/// Checks the tree, and turns `has(attr.x)` into `"x" in attr`: an absent attribute reads as an
/// empty list, which would make every `has` true.
pub(super) fn admit(tree: &mut IdedExpr) -> Result<(), String> {
    Walk { iteration: Vec::new(), in_loop: false }.visit(tree, 0)
}

struct Walk {
    /// Names bound by the comprehensions around.
    iteration: Vec<String>,
    in_loop: bool,
}

impl Walk {
    fn visit(&mut self, node: &mut IdedExpr, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
        }
        if let Some(presence) = attribute_presence(&node.expr) {
            node.expr = presence;
            return Ok(());
        }
        match &mut node.expr {
            Expr::Literal(_) | Expr::Unspecified => Ok(()),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => self.visit(&mut select.operand, depth + 1),
            Expr::List(list) => list.elements.iter_mut().try_for_each(|node| self.visit(node, depth + 1)),
            Expr::Call(call) => {
                let known = OPERATORS.iter().chain(FUNCTIONS).any(|name| *name == call.func_name);
                if !known {
                    return Err(format!("there is no function {:?}", call.func_name));
                }
                let operands = call.target.as_deref_mut().into_iter().chain(&mut call.args);
                operands.into_iter().try_for_each(|node| self.visit(node, depth + 1))
            }
            Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.visit(&mut entry.key, depth + 1)?;
                    self.visit(&mut entry.value, depth + 1)
                }
                EntryExpr::StructField(_) => Err("it makes a message".to_owned()),
            }),
            Expr::Struct(_) => Err("it makes a message".to_owned()),
            Expr::Comprehension(inner) => self.comprehension(inner, depth + 1),
        }
    }

    /// What is iterated over is computed once and may be a comprehension itself; what is done
    /// for each item may not.
    fn comprehension(&mut self, inner: &mut ComprehensionExpr, depth: usize) -> Result<(), String> {
        self.visit(&mut inner.iter_range, depth)?;
        if self.in_loop {
            return Err("it has a comprehension within a comprehension".to_owned());
        }
        self.iteration
            .extend([Some(&inner.iter_var), inner.iter_var2.as_ref()].into_iter().flatten().cloned());
        self.in_loop = true;
        for part in [&mut inner.accu_init, &mut inner.loop_cond, &mut inner.loop_step, &mut inner.result] {
            self.visit(part, depth)?;
        }
        self.iteration.clear();
        self.in_loop = false;
        Ok(())
    }

    fn name(&self, name: &str) -> Result<(), String> {
        let known = name.starts_with('@')
            || VARIABLES.contains(&name)
            || self.iteration.iter().any(|bound| bound == name);
        if known {
            return Ok(());
        }
        Err(format!("there is no {name:?}; a rule may name {}", VARIABLES.join(", ")))
    }
}

/// `"x" in attr`, if the expression is `has(attr.x)`.
fn attribute_presence(expr: &Expr) -> Option<Expr> {
    let Expr::Select(select) = expr else { return None };
    let Expr::Ident(name) = &select.operand.expr else { return None };
    (select.test && name == "attr").then(|| {
        let field = Expr::Literal(LiteralValue::String(select.field.clone().into()));
        Expr::Call(CallExpr {
            func_name: operators::IN.to_owned(),
            target: None,
            args: vec![
                IdedExpr { id: select.operand.id, expr: field },
                IdedExpr { id: select.operand.id, expr: Expr::Ident(name.clone()) },
            ],
        })
    })
}
