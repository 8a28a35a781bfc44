//! Characters on their way into and out of XML: references, line ends, attribute values, and
//! the escapes of canonical XML.

use std::borrow::Cow;

use memchr::memchr3;

use crate::identity::VerifyError;
use crate::identity::saml::malformed;

/// The value of an attribute as XML 1.0, 3.3.3 normalizes it: white space that was typed
/// becomes a blank, white space that was written as a reference stays. Also says whether the
/// value is plain: the same in canonical XML.
pub(crate) fn attribute_value(raw: &str) -> Result<(Cow<'_, str>, bool), VerifyError> {
    let is_special = |b: u8| matches!(b, b'&' | b'\t' | b'\n' | b'\r' | b'<' | b'"');
    if !raw.bytes().any(is_special) {
        return Ok((Cow::Borrowed(raw), true));
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r', '<']) {
        out.push_str(&rest[..at]);
        let special = &rest[at..];
        if let Some(reference) = special.strip_prefix('&') {
            rest = push_reference(&mut out, reference)?;
        } else if special.starts_with('<') {
            return Err(malformed("saml.xml.markup", "no < within an attribute value", "<"));
        } else {
            out.push(' ');
            rest = special.strip_prefix("\r\n").unwrap_or(&special[1..]);
        }
    }
    out.push_str(rest);
    Ok((Cow::Owned(out), false))
}

/// Text with its references replaced and its line ends as XML 1.0, 2.11 wants them. Also says
/// whether the text is plain: the same in canonical XML.
pub(crate) fn text(raw: &str) -> Result<(Cow<'_, str>, bool), VerifyError> {
    if memchr3(b'&', b'\r', b'>', raw.as_bytes()).is_none() {
        return Ok((Cow::Borrowed(raw), true));
    }
    if raw.contains("]]>") {
        return Err(malformed("saml.xml.markup", "no ]]> within text", "]]>"));
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\r']) {
        out.push_str(&rest[..at]);
        let special = &rest[at..];
        if let Some(reference) = special.strip_prefix('&') {
            rest = push_reference(&mut out, reference)?;
        } else {
            out.push('\n');
            rest = special.strip_prefix("\r\n").unwrap_or(&special[1..]);
        }
    }
    out.push_str(rest);
    Ok((Cow::Owned(out), false))
}

/// Appends the character that `reference`, which begins behind its `&`, stands for. Gives what
/// follows its `;`.
fn push_reference<'x>(out: &mut String, reference: &'x str) -> Result<&'x str, VerifyError> {
    // The longest is `#x10FFFF`, with a few zeros.
    let semicolon = reference.bytes().take(12).position(|b| b == b';').ok_or_else(|| unknown(reference))?;
    out.push(referenced(&reference[..semicolon])?);
    Ok(&reference[semicolon + 1..])
}

/// The character that `&name;` stands for. Only the five predefined entities exist, because a
/// document type is never accepted.
fn referenced(name: &str) -> Result<char, VerifyError> {
    let number = |digits: &str, radix| {
        let clean = digits.len() <= 8 && digits.bytes().all(|b| b.is_ascii_alphanumeric());
        let code = u32::from_str_radix(digits, radix).ok().filter(|_| clean)?;
        char::from_u32(code).filter(|c| is_xml(*c))
    };
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(digits), _) => number(digits, 16),
            (None, Some(digits)) => number(digits, 10),
            (None, None) => None,
        },
    }
    .ok_or_else(|| unknown(name))
}

/// Appends `text` with the escapes that canonical XML gives to text (C14N 1.0, 2.3).
pub(crate) fn escape_text(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '\r']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&#xD;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// Appends `value` with the escapes that canonical XML gives to attribute values.
pub(crate) fn escape_attribute(out: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = rest.find(['&', '<', '"', '\t', '\n', '\r']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'"' => "&quot;",
            b'\t' => "&#x9;",
            b'\n' => "&#xA;",
            _ => "&#xD;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// Bytes at the beginning of `text` that make an XML name without a colon; 0 where there is none.
/// Beyond ASCII everything passes: such a name equals none that this verifier looks for.
pub(crate) fn ncname_length(text: &[u8]) -> usize {
    match text.first() {
        Some(first) if NAME[usize::from(*first)] && !matches!(first, b'0'..=b'9' | b'-' | b'.') => {
            text.iter().position(|byte| !NAME[usize::from(*byte)]).unwrap_or(text.len())
        }
        _ => 0,
    }
}

/// Whether a byte may stand in a name. A table, because every tag of every document asks it.
const NAME: [bool; 256] = {
    let mut may_stand = [false; 256];
    let mut byte = 0;
    while byte < may_stand.len() {
        may_stand[byte] =
            matches!(byte as u8, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | 0x80..);
        byte += 1;
    }
    may_stand
};

/// Whether all of `name` is an XML name without a colon.
pub(crate) fn is_ncname(name: &str) -> bool {
    !name.is_empty() && ncname_length(name.as_bytes()) == name.len()
}

/// Decodes standard base64 in which XML's white space may stand anywhere.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    if let Ok(plain) = base64_simd::STANDARD.decode_to_vec(text) {
        return Some(plain);
    }
    let packed: Vec<u8> = text.bytes().filter(|b| !is_space(*b)).collect();
    base64_simd::STANDARD.decode_to_vec(packed).ok()
}

/// Where `text`, which [`base64`] does not decode, is wrong.
pub(crate) fn no_base64(text: &str) -> String {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let is_space = |c: char| u8::try_from(c).is_ok_and(is_space);
    let length = text.chars().count();
    if let Some((index, c)) = text.chars().enumerate().find(|(_, c)| !known(*c) && !is_space(*c)) {
        return format!("{c:?}, character {} of {length}", index + 1);
    }
    match text.chars().filter(|c| !is_space(*c)).count() {
        0 => "nothing".to_owned(),
        count if count % 4 == 0 => format!("{length} characters that do not end as base64 does"),
        count => format!("{count} characters, which is no multiple of 4: the end may be missing"),
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The characters of XML 1.0, 2.2.
const fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn unknown(name: &str) -> VerifyError {
    malformed("saml.xml.entity", "a predefined entity or a character of XML", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_values_are_normalized() {
        for (raw, value) in [
            ("plain", "plain"),
            ("a\tb\nc\r\nd\re", "a b c d e"),
            ("&#9;&#xA;&#13;", "\t\n\r"),
            ("&amp;lt; &lt;&gt;&quot;&apos;", "&lt; <>\"'"),
            ("&#x1F600;&#65;", "😀A"),
        ] {
            assert_eq!(attribute_value(raw).unwrap().0, value);
        }
        for raw in ["&xxe;", "& ", "&#0;", "&#xFFFE;", "&#xD800;", "&#+65;", "&#;", "&;", "&#X41;"] {
            assert_eq!(attribute_value(raw).unwrap_err().check(), "saml.xml.entity", "{raw}");
            assert_eq!(text(raw).unwrap_err().check(), "saml.xml.entity", "{raw}");
        }
        assert_eq!(attribute_value("<").unwrap_err().check(), "saml.xml.markup");
    }

    #[test]
    fn what_is_plain_needs_no_escape() {
        for (raw, in_text, in_attribute) in [
            ("a b\u{e9}'", true, true),
            ("a\nb\tc", true, false),
            ("\"", true, false),
            (">", false, true),
            ("\r", false, false),
            ("&#65;", false, false),
        ] {
            assert_eq!(text(raw).unwrap().1, in_text, "{raw}");
            assert_eq!(attribute_value(raw).unwrap().1, in_attribute, "{raw}");
        }
    }

    #[test]
    fn line_ends_are_normalized() {
        assert_eq!(text("a\r\nb\rc\n&#13;").unwrap().0, "a\nb\nc\n\r");
    }

    #[test]
    fn base64_bears_white_space_and_nothing_else() {
        assert_eq!(base64("aGk=").unwrap(), b"hi");
        assert_eq!(base64(" aG\r\nk\t= ").unwrap(), b"hi");
        for bad in ["aGk", "aG-=", "a\u{b}Gk=", "aGk=x", "aGl="] {
            assert_eq!(base64(bad), None, "{bad}");
        }
    }

    #[test]
    fn tells_where_base64_is_wrong() {
        for (bad, expected) in [
            ("<a/>", "'<', character 1 of 4"),
            (" aG-=", "'-', character 4 of 5"),
            (" \n", "nothing"),
            ("aGk", "3 characters, which is no multiple of 4: the end may be missing"),
            ("aGl=", "4 characters that do not end as base64 does"),
        ] {
            assert_eq!(no_base64(bad), expected);
        }
    }

    #[test]
    fn names() {
        for (name, good) in
            [("a-1._b", true), ("é", true), ("", false), ("1a", false), ("a b", false), ("a/b", false)]
        {
            assert_eq!(is_ncname(name), good, "{name}");
        }
    }
}
