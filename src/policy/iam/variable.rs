//! Policy variables (facts 5.3): `${key}`, `${key, 'default'}` and the escapes `${*}`, `${?}`,
//! `${$}`.
//!
//! A [`Template`] is a policy's text, read once at load time. [`Template::resolve`] gives the
//! pattern units for one request, or nothing when a variable has no value: then the comparison
//! does not match. Whatever comes out of a variable is literal, its `*` and `?` too.

use super::context::{RequestContext, folded};
use super::pattern::Unit;

/// How a text of a policy is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// `${…}` means something: only since version 2012-10-17.
    pub(super) variables: bool,
    /// `*` and `?` are wildcards.
    pub(super) wildcards: bool,
}

/// A text that may hold variables and wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Text(String),
    Run,
    One,
    Variable { key: String, default: Option<String> },
}

impl Template {
    /// Reads `text`; the error says what is wrong with a variable in it.
    pub(super) fn parse(text: &str, reading: Reading) -> Result<Self, String> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if reading.variables && rest.starts_with("${") {
                let (body, after) = rest[2..]
                    .split_once('}')
                    .ok_or_else(|| format!("the variable in {text:?} has no closing brace"))?;
                push(&mut segments, variable(body)?);
                rest = after;
                continue;
            }
            let segment = match first {
                '*' if reading.wildcards => Segment::Run,
                '?' if reading.wildcards => Segment::One,
                other => Segment::Text(other.to_string()),
            };
            push(&mut segments, segment);
            rest = &rest[first.len_utf8()..];
        }
        Ok(Self { segments })
    }

    /// The pattern for this request; `None` if a variable has no single value and no default.
    pub(super) fn resolve<'a>(&'a self, context: &'a RequestContext<'_>) -> Option<Vec<Unit<'a>>> {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Text(text) => Some(Unit::Text(text)),
                Segment::Run => Some(Unit::Run),
                Segment::One => Some(Unit::One),
                Segment::Variable { key, default } => {
                    context.single(key).or(default.as_deref()).map(Unit::Text)
                }
            })
            .collect()
    }
}

fn push(segments: &mut Vec<Segment>, segment: Segment) {
    match (segments.last_mut(), segment) {
        (Some(Segment::Text(before)), Segment::Text(more)) => before.push_str(&more),
        (_, segment) => segments.push(segment),
    }
}

/// What stands between `${` and `}`.
fn variable(body: &str) -> Result<Segment, String> {
    if matches!(body, "*" | "?" | "$") {
        return Ok(Segment::Text(body.to_owned()));
    }
    let (key, default) = match body.split_once(',') {
        None => (body, None),
        Some((key, quoted)) => {
            let default = quoted
                .trim()
                .strip_prefix('\'')
                .and_then(|text| text.strip_suffix('\''))
                .ok_or_else(|| format!("the default of variable {body:?} is not in single quotes"))?;
            (key, Some(default.to_owned()))
        }
    };
    let key = key.trim();
    if !key.contains(':') || key.contains(['$', '{']) {
        return Err(format!("{body:?} is not a variable such as aws:username"));
    }
    Ok(Segment::Variable { key: folded(key.into()).into_owned(), default })
}

#[cfg(test)]
mod tests {
    use super::super::pattern;
    use super::*;

    fn check(template: &str, text: &str) -> Option<bool> {
        let mut context = RequestContext::new();
        context.set("aws:PrincipalTag/team", "red*");
        context.set_all("aws:TagKeys", ["a", "b"]);
        let reading = Reading { variables: true, wildcards: true };
        let template = Template::parse(template, reading).unwrap();
        template.resolve(&context).map(|units| pattern::matches(&units, text))
    }

    #[test]
    fn variables_and_escapes() {
        for (template, text, expected) in [
            ("${aws:PrincipalTag/team}", "red*", Some(true)),
            ("${AWS:principaltag/TEAM}", "red*", Some(true)),
            ("${aws:PrincipalTag/team}", "redder", Some(false)),
            ("x-${aws:PrincipalTag/team}-*", "x-red*-7", Some(true)),
            ("${aws:username}", "", None),
            ("${aws:username, 'nobody'}", "nobody", Some(true)),
            ("${aws:PrincipalTag/team, 'nobody'}", "red*", Some(true)),
            ("${aws:TagKeys}", "a", None),
            ("${*}${?}${$}", "*?$", Some(true)),
            ("${*}", "x", Some(false)),
        ] {
            assert_eq!(check(template, text), expected, "{template} on {text}");
        }
    }

    #[test]
    fn malformed_variables_are_refused_and_old_versions_have_none() {
        let reading = Reading { variables: true, wildcards: false };
        for bad in ["${aws:username", "${}", "${user}", "${aws:username, nobody}", "${a:${b:c}}"] {
            assert!(Template::parse(bad, reading).is_err(), "{bad}");
        }
        let old = Template::parse("${aws:username", Reading { variables: false, wildcards: true }).unwrap();
        assert_eq!(old.resolve(&RequestContext::new()), Some(vec![Unit::Text("${aws:username")]));
    }
}
