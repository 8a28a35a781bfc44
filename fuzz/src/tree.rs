//! Documents with few names and many namespaces, grown from the fuzzer's bytes: most of them are
//! well-formed, and canonicalization has much to do.

use arbitrary::{Result, Unstructured};

const PREFIXES: [&str; 4] = ["", "a", "b", "c"];
const NAMESPACES: [&str; 4] = ["urn:3", "urn:2", "urn:1", ""];
const VALUES: [&str; 12] = [
    "",
    "1",
    " a  b ",
    "&lt;&amp;",
    ">",
    "&#10;&#13;&#9;",
    "\t\n",
    "\r\n",
    "\r",
    "&quot;&apos;",
    "\u{e9}",
    "&#x1F600;",
];
const DEEPEST: usize = 6;

/// The document that grows from these bytes.
pub(crate) fn grown(bytes: &[u8]) -> String {
    let mut out = String::from("<r xmlns:a=\"urn:1\" xmlns:b=\"urn:2\" xmlns:c=\"urn:3\">");
    let _ = content(&mut out, DEEPEST, &mut Unstructured::new(bytes));
    out + "</r>"
}

fn content(out: &mut String, depth: usize, input: &mut Unstructured<'_>) -> Result<()> {
    for _ in 0..input.int_in_range(0..=4)? {
        if depth > 0 && input.arbitrary()? {
            element(out, depth, input)?;
        } else {
            *out += input.choose(&VALUES)?;
        }
    }
    Ok(())
}

fn element(out: &mut String, depth: usize, input: &mut Unstructured<'_>) -> Result<()> {
    let name = qualified(input.choose(&PREFIXES)?, input.choose(&["x", "y"])?);
    *out += &format!("<{name}");
    for _ in 0..input.int_in_range(0..=4)? {
        let (prefix, quote) = (*input.choose(&PREFIXES)?, if input.arbitrary()? { '"' } else { '\'' });
        let (name, value) = match input.int_in_range(0..=2)? {
            0 if prefix.is_empty() => ("xmlns".to_owned(), *input.choose(&NAMESPACES)?),
            0 => (format!("xmlns:{prefix}"), *input.choose(&NAMESPACES[..3])?),
            1 => ("xml:lang".to_owned(), *input.choose(&["de", "en"])?),
            _ => (qualified(prefix, input.choose(&["p", "q", "r"])?), *input.choose(&VALUES)?),
        };
        *out += &format!(" {name}={quote}{value}{quote}");
    }
    if input.arbitrary()? {
        *out += "/>";
        return Ok(());
    }
    *out += ">";
    // Whatever the bytes do not suffice for, what was opened is closed.
    let grown = content(out, depth - 1, input);
    *out += &format!("</{name}>");
    grown
}

fn qualified(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}
