//! How a mistake of kinds is told, in the words that its author wrote.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use super::kind::Kind::{self, List};

/// The commonest mistake gets the commonest help.
pub(super) fn never_equal((one, left): (&IdedExpr, &Kind), (other, right): (&IdedExpr, &Kind)) -> String {
    let (one, other) = (shown(one), shown(other));
    let help = match (left, right) {
        (List(item), single) if item.meets(single) => format!("; write {one}[0], or {other} in {one}"),
        (single, List(item)) if item.meets(single) => format!("; write {other}[0], or {one} in {other}"),
        _ => String::new(),
    };
    format!("{one} is {left} and {other} is {right}, which are never equal{help}")
}

pub(super) fn no_text(name: &str, target: &IdedExpr, kind: &Kind) -> String {
    let target = shown(target);
    let help = match (kind, name) {
        (List(_), "contains") => format!("; write … in {target}"),
        (List(_), _) => format!("; write {target}[0], or {target}.exists(x, x.{name}(…))"),
        _ => String::new(),
    };
    format!("{target} is {kind}, not a string{help}")
}

pub(super) fn count(least: usize, most: usize) -> String {
    match (least, most) {
        (_, 0) => "nothing".to_owned(),
        (least, most) if least == most => format!("{least} argument(s)"),
        (least, most) => format!("{least} to {most} arguments"),
    }
}

/// A part of an expression as its author wrote it, where that is short.
pub(super) fn shown(node: &IdedExpr) -> String {
    match &node.expr {
        Expr::Ident(name) if !name.starts_with('@') => name.clone(),
        Expr::Literal(LiteralValue::String(text)) => format!("{:?}", text.inner()),
        Expr::Literal(LiteralValue::Int(number)) => number.inner().to_string(),
        Expr::Literal(LiteralValue::Null) => "null".to_owned(),
        Expr::List(list) => format!("[{}]", list.elements.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Expr::Select(select) => format!("{}.{}", shown(&select.operand), select.field),
        Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::INDEX && args.len() == 2 => {
            format!("{}[{}]", shown(&args[0]), shown(&args[1]))
        }
        Expr::Call(CallExpr { func_name, target: Some(target), .. }) => {
            format!("{}.{func_name}(…)", shown(target))
        }
        Expr::Call(CallExpr { func_name, .. })
            if func_name.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            format!("{func_name}(…)")
        }
        _ => "one side".to_owned(),
    }
}
