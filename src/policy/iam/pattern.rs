//! Wildcard matching: `*` is any run of characters, `?` exactly one.
//!
//! A pattern is a row of [`Unit`]s, made at load time where it holds no variable. Matching
//! takes the leftmost place for each stretch between two `*`, which is right for globs and
//! never goes back: no pattern is exponential, and one without `?` is linear in the text.

use std::fmt;

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit<'a> {
    /// These characters; wildcards in them stand for themselves.
    Text(&'a str),
    /// `*`
    Run,
    /// `?`
    One,
}

/// A pattern without variables, such as an action. Case is folded when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoldedPattern {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Run,
    One,
}

impl FoldedPattern {
    /// Compiles `pattern`, ASCII case folded.
    pub(super) fn new(pattern: &str) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        for c in pattern.chars() {
            match (c, pieces.last_mut()) {
                ('*', _) => pieces.push(Piece::Run),
                ('?', _) => pieces.push(Piece::One),
                (c, Some(Piece::Text(text))) => text.push(c.to_ascii_lowercase()),
                (c, _) => pieces.push(Piece::Text(c.to_ascii_lowercase().to_string())),
            }
        }
        Self { pieces }
    }

    /// Whether `text`, in any case, has this form.
    pub(super) fn matches(&self, text: &str) -> bool {
        let units: Vec<Unit<'_>> = self
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Unit::Text(text),
                Piece::Run => Unit::Run,
                Piece::One => Unit::One,
            })
            .collect();
        matches(&units, &text.to_ascii_lowercase())
    }
}

/// As written, in lower case.
impl fmt::Display for FoldedPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Run => f.write_str("*"),
            Piece::One => f.write_str("?"),
        })
    }
}

/// Whether `text` as a whole has the form of `units`.
pub(super) fn matches(units: &[Unit<'_>], text: &str) -> bool {
    let mut stretches = units.split(|unit| *unit == Unit::Run);
    let first = stretches.next().unwrap_or_default();
    let Some(mut rest) = strip(first, text) else { return false };
    let Some(last) = stretches.next_back() else { return rest.is_empty() };
    for stretch in stretches {
        match skip_past(stretch, rest) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    tail(rest, length(last)).is_some_and(|end| strip(last, end) == Some(""))
}

/// What follows `stretch` at the very start of `text`.
fn strip<'t>(stretch: &[Unit<'_>], mut text: &'t str) -> Option<&'t str> {
    for unit in stretch {
        text = match unit {
            Unit::Text(literal) => text.strip_prefix(literal)?,
            Unit::One | Unit::Run => {
                let mut chars = text.chars();
                chars.next()?;
                chars.as_str()
            }
        };
    }
    Some(text)
}

/// What follows the leftmost place of `stretch` in `text`.
fn skip_past<'t>(stretch: &[Unit<'_>], mut text: &'t str) -> Option<&'t str> {
    loop {
        if let Some(Unit::Text(literal)) = stretch.first() {
            text = &text[text.find(literal)?..];
        }
        if let Some(after) = strip(stretch, text) {
            return Some(after);
        }
        let mut chars = text.chars();
        chars.next()?;
        text = chars.as_str();
    }
}

/// How many characters a stretch covers.
fn length(stretch: &[Unit<'_>]) -> usize {
    stretch.iter().map(|unit| if let Unit::Text(text) = unit { text.chars().count() } else { 1 }).sum()
}

/// The last `count` characters of `text`.
fn tail(text: &str, count: usize) -> Option<&str> {
    if count == 0 {
        return Some("");
    }
    let (start, _) = text.char_indices().nth_back(count - 1)?;
    Some(&text[start..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("?", "", false),
            ("?", "é", true),
            ("?", "ab", false),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("*bc*", "abcd", true),
            ("a*c", "ac", true),
            ("a*ca", "aca", true),
            ("a*aca", "aca", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b?c", "abbbc", true),
            ("a?c*", "abcd", true),
            ("sts:Assume*", "sts:assumerole", true),
            ("sts:assumerole", "sts:AssumeRoleWithSAML", false),
            ("**", "x", true),
            ("*?", "", false),
            ("*??", "éa", true),
        ] {
            assert_eq!(FoldedPattern::new(pattern).matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let pattern = "*a".repeat(200);
        assert!(!FoldedPattern::new(&pattern).matches(&"a".repeat(199)));
        assert!(!FoldedPattern::new(&format!("{}b", "*a?".repeat(200))).matches(&"a".repeat(10_000)));
    }

    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                by_definition(rest, text) || (!text.is_empty() && by_definition(pattern, &text[1..]))
            }
            (['?', rest @ ..], [_, more @ ..]) => by_definition(rest, more),
            ([c, rest @ ..], [d, more @ ..]) if c == d => by_definition(rest, more),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(FoldedPattern::new(&pattern).matches(&text), by_definition(&p, &t));
        }
    }
}
