//! What an identity must have for a rule to match at all, read off its condition.
//!
//! Read off wrongly, a rule would be passed over that matches; so whatever is not understood for
//! certain says nothing, and the rule is asked every time. What is read off is necessary and seldom
//! enough: whether a rule matches, evaluation alone decides.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

/// Alternatives of one rule. More would cost more than they spare.
const MOST: usize = 64;

/// A text that the identity must have in one of its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) place: Place,
    pub(super) text: Text,
}

/// Where a text stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Subject,
    Issuer,
    /// Among the values of the attribute that goes by this name.
    Attribute(String),
    /// The claim of this name, or its items, or the names of its members.
    Claim(String),
}

/// Which text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// This one.
    Is(String),
    /// One that begins so; never empty.
    Begins(String),
}

/// One of these is there wherever `condition` is true; `None`: nobody knows.
pub(super) fn of(condition: &IdedExpr) -> Option<Vec<Need>> {
    Reader { item: None }.needs(condition)
}

/// Reads an expression, within a comprehension or not.
struct Reader<'e> {
    /// The variable of the comprehension around, and where its values come from.
    item: Option<(&'e str, Place)>,
}

impl<'e> Reader<'e> {
    fn needs(&self, node: &'e IdedExpr) -> Option<Vec<Need>> {
        match &node.expr {
            Expr::Call(call) => self.of_call(call),
            Expr::Comprehension(inner) if self.item.is_none() => self.of_exists(inner),
            _ => None,
        }
    }

    fn of_call(&self, call: &'e CallExpr) -> Option<Vec<Need>> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            // Each side is necessary: the one that spares most is looked up.
            (operators::LOGICAL_AND, sides) => {
                sides.iter().filter_map(|side| self.needs(side)).min_by_key(|needs| cost(needs))
            }
            (operators::LOGICAL_OR, sides) => {
                let all = sides.iter().map(|side| self.needs(side)).collect::<Option<Vec<_>>>()?.concat();
                (all.len() <= MOST).then_some(all)
            }
            (operators::EQUALS, [one, other]) => {
                let (place, text) = self.pair(one, other).or_else(|| self.pair(other, one))?;
                Some(vec![Need { place, text: Text::Is(text.to_owned()) }])
            }
            (operators::IN, [item, list]) => match (text(item), self.list(list)) {
                (Some(item), Some(place)) => Some(vec![Need { place, text: Text::Is(item.to_owned()) }]),
                _ => self.of_choice(item, list),
            },
            ("startsWith", [beginning]) => {
                let (place, text) = self.pair(call.target.as_deref()?, beginning)?;
                (!text.is_empty()).then(|| vec![Need { place, text: Text::Begins(text.to_owned()) }])
            }
            _ => None,
        }
    }

    /// `x in ["a", "b"]`
    fn of_choice(&self, item: &'e IdedExpr, list: &'e IdedExpr) -> Option<Vec<Need>> {
        let Expr::List(list) = &list.expr else { return None };
        let place = self.single(item)?;
        let need = |choice| Some(Need { place: place.clone(), text: Text::Is(text(choice)?.to_owned()) });
        (list.elements.len() <= MOST).then(|| list.elements.iter().map(need).collect()).flatten()
    }

    /// `list.exists(x, …)`, as the parser writes it out.
    fn of_exists(&self, inner: &'e ComprehensionExpr) -> Option<Vec<Need>> {
        let ComprehensionExpr {
            iter_range, iter_var, iter_var2, accu_var, accu_init, loop_step, result, ..
        } = inner;
        let begins_false = matches!(&accu_init.expr, Expr::Literal(LiteralValue::Boolean(no)) if !no.inner());
        let is_result = |node: &IdedExpr| matches!(&node.expr, Expr::Ident(name) if name == accu_var);
        let Expr::Call(CallExpr { func_name, args, .. }) = &loop_step.expr else { return None };
        let [before, holds] = args.as_slice() else { return None };
        let is_exists = begins_false
            && iter_var2.is_none()
            && is_result(result)
            && func_name == operators::LOGICAL_OR
            && is_result(before);
        let place = self.list(iter_range).filter(|_| is_exists)?;
        Reader { item: Some((iter_var, place)) }.needs(holds)
    }

    /// A place and the text that it is compared with.
    fn pair(&self, place: &'e IdedExpr, with: &'e IdedExpr) -> Option<(Place, &'e str)> {
        Some((self.single(place)?, text(with)?))
    }

    /// Where a single value comes from.
    fn single(&self, node: &'e IdedExpr) -> Option<Place> {
        match &node.expr {
            Expr::Ident(name) => match (&self.item, name.as_str()) {
                (Some((item, place)), name) if *item == name => Some(place.clone()),
                (_, "subject") => Some(Place::Subject),
                (_, "issuer") => Some(Place::Issuer),
                _ => None,
            },
            Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::INDEX => {
                match args.as_slice() {
                    [list, index] if matches!(&index.expr, Expr::Literal(LiteralValue::Int(_))) => {
                        self.list(list)
                    }
                    _ => self.member(node, "claim").map(Place::Claim),
                }
            }
            _ => self.member(node, "claim").map(Place::Claim),
        }
    }

    /// Where the items of a list come from.
    fn list(&self, node: &'e IdedExpr) -> Option<Place> {
        match &node.expr {
            Expr::Ident(name) => {
                (name == "groups" && !self.is_item(name)).then(|| Place::Attribute("groups".into()))
            }
            _ => {
                let attribute = self.member(node, "attr").map(Place::Attribute);
                attribute.or_else(|| self.member(node, "claim").map(Place::Claim))
            }
        }
    }

    /// `x` of `map.x` or `map["x"]`.
    fn member(&self, node: &'e IdedExpr, map: &str) -> Option<String> {
        let (map_node, name) = match &node.expr {
            Expr::Select(select) if !select.test => (&*select.operand, select.field.as_str()),
            Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::INDEX => {
                match args.as_slice() {
                    [map, name] => (map, text(name)?),
                    _ => return None,
                }
            }
            _ => return None,
        };
        let is_it = matches!(&map_node.expr, Expr::Ident(name) if name == map && !self.is_item(name));
        is_it.then(|| name.to_owned())
    }

    fn is_item(&self, name: &str) -> bool {
        self.item.as_ref().is_some_and(|(item, _)| *item == name)
    }
}

/// What a look-up of `needs` costs, and how little it spares.
fn cost(needs: &[Need]) -> (bool, usize) {
    (needs.iter().any(|need| matches!(need.text, Text::Begins(_))), needs.len())
}

/// The text that a literal is.
pub(super) fn text(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
