//! Lines of text with a label and a value, wrapped; and nothing in them that a terminal obeys but
//! our own colours.

use std::fmt::Write;

/// Columns. Words that are longer stay whole, so that they can be copied.
const WIDTH: usize = 96;

/// How a label looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Good,
    Bad,
    Odd,
}

impl Tone {
    /// Select Graphic Rendition of ECMA-48.
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Heading => Some("1"),
            Self::Good => Some("32"),
            Self::Bad => Some("1;31"),
            Self::Odd => Some("33"),
        }
    }
}

/// What is being printed.
pub struct Paper {
    text: String,
    colours: bool,
}

impl Paper {
    /// An empty page.
    pub const fn new(colours: bool) -> Self {
        Self { text: String::new(), colours }
    }

    /// The page.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// A line that begins a section.
    pub(super) fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.label(Tone::Heading, text);
        self.text.push('\n');
    }

    /// A label at column `margin`, and a value from column `column` on.
    pub(super) fn entry(
        &mut self,
        (margin, column): (usize, usize),
        (tone, label): (Tone, &str),
        value: &str,
    ) {
        let label = harmless(label);
        self.text.push_str(&" ".repeat(margin));
        self.label(tone, &label);
        if value.is_empty() {
            self.text.push('\n');
            return;
        }
        let mut at = margin + label.chars().count();
        if at >= column && column > 0 {
            self.text.push('\n');
            at = 0;
        }
        self.text.push_str(&" ".repeat(column.saturating_sub(at)));
        self.wrapped(column, &harmless(value));
    }

    /// A value by itself.
    pub(super) fn line(&mut self, column: usize, value: &str) {
        self.text.push_str(&" ".repeat(column));
        self.wrapped(column, &harmless(value));
    }

    fn wrapped(&mut self, column: usize, value: &str) {
        let mut at = column;
        for (index, word) in value.split(' ').enumerate() {
            let length = word.chars().count();
            if index > 0 && at + 1 + length > WIDTH {
                self.text.push('\n');
                self.text.push_str(&" ".repeat(column));
                at = column;
            } else if index > 0 {
                self.text.push(' ');
                at += 1;
            }
            self.text.push_str(word);
            at += length;
        }
        self.text.push('\n');
    }

    fn label(&mut self, tone: Tone, text: &str) {
        match tone.code().filter(|_| self.colours) {
            // Writing to a string does not fail.
            Some(code) => drop(write!(self.text, "\u{1b}[{code}m{text}\u{1b}[0m")),
            None => self.text.push_str(text),
        }
    }
}

/// `text` with everything escaped that a terminal obeys or an eye overlooks.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_deceptive(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Whether a character acts on a terminal, changes the direction of what follows, or can't be seen.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_wrapped_under_themselves() {
        let mut paper = Paper::new(false);
        let words = "word ".repeat(20);
        paper.entry((2, 12), (Tone::Plain, "label"), words.trim_end());
        paper.entry((2, 4), (Tone::Plain, "long label"), "value");
        paper.entry((2, 12), (Tone::Plain, "empty"), "");
        let expected = format!(
            "  label     {}\n            {}\n  long label\n    value\n  empty\n",
            ["word"; 17].join(" "),
            ["word"; 3].join(" ")
        );
        assert_eq!(paper.into_text(), expected);
    }

    #[test]
    fn nothing_is_left_for_a_terminal_to_obey() {
        let hostile = "a\u{1b}]0;title\u{7}\r\nb\u{202e}c\u{9b}2J\u{200b}é";
        assert_eq!(harmless(hostile), "a\\u{1b}]0;title\\u{7}\\r\\nb\\u{202e}c\\u{9b}2J\\u{200b}é");
    }
}
