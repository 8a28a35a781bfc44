//! What came of cases, as JUnit's XML, which build servers read.

use std::fmt::Write;

use super::Outcome;

/// The whole document.
pub(super) fn document(outcomes: &[Outcome]) -> String {
    let failures = outcomes.iter().filter(|outcome| !outcome.differences.is_empty()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"rolegate\" tests=\"{}\" failures=\"{failures}\">\n",
        outcomes.len()
    );
    for Outcome { file, name, differences } in outcomes {
        let (file, name) = (escaped(&file.display().to_string()), escaped(name));
        // Writing to a String does not fail.
        let _ = write!(out, "  <testcase classname=\"{file}\" name=\"{name}\"");
        if differences.is_empty() {
            out.push_str("/>\n");
        } else {
            let message = escaped(&differences.join("\n"));
            let _ = writeln!(out, "><failure>{message}</failure></testcase>");
        }
    }
    out + "</testsuite>\n"
}

/// `text` between tags or quotes; what XML 1.0 can't hold is a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
