//! CEL as text: what stands outside of its strings.

/// The characters of a source that stand in no string, with the number of brackets that are open.
pub(super) struct Outside<'s> {
    source: &'s str,
    at: usize,
    depth: i32,
}

impl<'s> Outside<'s> {
    /// Those of `source`.
    pub(super) const fn of(source: &'s str) -> Self {
        Self { source, at: 0, depth: 0 }
    }

    /// How long the string is that `rest` begins with.
    fn string(&self, rest: &str) -> Option<usize> {
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote))?;
        let is_raw = self.source[..self.at].ends_with(['r', 'R']);
        let mut end = quote.len();
        while let Some(next) = rest.get(end..).and_then(|rest| rest.chars().next()) {
            if rest[end..].starts_with(quote) {
                return Some(end + quote.len());
            }
            end += next.len_utf8();
            if next == '\\' && !is_raw {
                end += rest[end..].chars().next().map_or(0, char::len_utf8);
            }
        }
        Some(rest.len())
    }
}

impl Iterator for Outside<'_> {
    type Item = (usize, char, i32);

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = &self.source[self.at..];
        while let Some(length) = self.string(rest) {
            self.at += length;
            rest = &self.source[self.at..];
        }
        let next = rest.chars().next()?;
        let at = self.at;
        self.at += next.len_utf8();
        match next {
            '(' | '[' | '{' => self.depth += 1,
            ')' | ']' | '}' => self.depth -= 1,
            _ => {}
        }
        Some((at, next, self.depth))
    }
}

/// Whether one `=` stands where there should be two: it is what many write to compare, and no operator.
pub(super) fn has_lone_equals(source: &str) -> bool {
    let bytes = source.as_bytes();
    Outside::of(source).any(|(at, c, _)| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let is_part = before.is_some_and(|before| b"=!<>".contains(before));
        c == '=' && !is_part && bytes.get(at + 1) != Some(&b'=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_equals_sign_is_found_outside_of_strings() {
        for source in ["subject = 'a'", "a==b && c=d", "=a", "x ='='"] {
            assert!(has_lone_equals(source), "{source}");
        }
        for source in ["a == b", "a != b", "a <= b && c >= d", "a == 'b = c'", "a == \"x=y\" || b", ""] {
            assert!(!has_lone_equals(source), "{source}");
        }
    }
}
