//! What a document may cost, and the look over its bytes before the parser sees them: size,
//! encoding, characters and the XML declaration.
//!
//! What passes is UTF-8 text without byte order mark and declaration. Everything that has to do
//! with markup is decided in `parse`, by the same [`Limits`].

use crate::identity::VerifyError;
use crate::identity::saml::malformed;

/// What a document may cost. A strict parser's time and memory are linear in these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of the decoded document.
    pub(crate) bytes: usize,
    /// Elements within elements.
    pub(crate) depth: usize,
    /// Elements of the whole document.
    pub(crate) elements: usize,
    /// Attributes and namespace declarations of one tag. Checks within a tag are quadratic in it.
    pub(crate) attributes: usize,
    /// The same of the whole document.
    pub(crate) all_attributes: usize,
    /// Whether comments may stand in it.
    pub(crate) comments: bool,
}

/// A response arrives from anybody. An honest one nests about ten deep, and 8,192 elements have
/// room for a person in some thousand groups, each value with a type and its two namespaces.
pub(crate) const RESPONSE: Limits = Limits {
    bytes: 256 * 1024,
    depth: 48,
    elements: 8192,
    attributes: 48,
    all_attributes: 16 * 1024,
    comments: false,
};
/// Metadata of one entity is the operator's choice, and is often written by hand. Its size is
/// AWS's limit (facts 2.4); an element seldom takes less than 80 bytes.
pub(crate) const METADATA: Limits = Limits {
    bytes: 10_000_000,
    elements: 128 * 1024,
    all_attributes: 512 * 1024,
    comments: true,
    ..RESPONSE
};
/// An aggregate of a whole federation: the largest has ten thousand entities in 100 MB and two
/// million elements. Its parsed form takes several times its size for a moment.
pub(crate) const AGGREGATE: Limits = Limits {
    bytes: 128 * 1024 * 1024,
    elements: 3 * 1024 * 1024,
    all_attributes: 12 * 1024 * 1024,
    ..METADATA
};

/// The document's text without byte order mark and XML declaration, or the first reason not to
/// parse it.
pub(crate) fn scan<'x>(bytes: &'x [u8], limits: &Limits) -> Result<&'x str, VerifyError> {
    if bytes.len() > limits.bytes {
        let (expected, seen) = (format!("at most {} bytes", limits.bytes), format!("{} bytes", bytes.len()));
        return Err(malformed("saml.xml.size", expected, seen));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|fault| malformed("saml.xml.encoding", "UTF-8", fault.to_string()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(character) = foreign_character(text) {
        let seen = format!("U+{:04X}", u32::from(character));
        return Err(malformed("saml.xml.character", "characters of XML 1.0", seen));
    }
    after_declaration(text)
}

/// The limit that a response of `bytes` keeps.
pub(crate) fn passed(bytes: usize) -> (String, String) {
    let expected = format!("plain XML 1.0 in UTF-8, at most {} bytes", RESPONSE.bytes);
    (expected, format!("{bytes} bytes"))
}

/// The first character that XML 1.0, 2.2 does not know. Surrogates are not UTF-8.
fn foreign_character(text: &str) -> Option<char> {
    let is_control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Without a branch a byte, this is a matter of nanoseconds.
    let suspicious = text.bytes().fold(false, |found, byte| found | is_control(byte) | (byte == 0xef));
    if !suspicious {
        return None;
    }
    let foreign = |c: &char| u8::try_from(*c).is_ok_and(is_control) || matches!(*c, '\u{fffe}' | '\u{ffff}');
    text.chars().find(foreign)
}

/// What follows the XML declaration, which must say XML 1.0 and, if anything, UTF-8 (XML 1.0, 2.8).
fn after_declaration(text: &str) -> Result<&str, VerifyError> {
    let Some(rest) = text.strip_prefix("<?xml").filter(|rest| rest.starts_with(BLANK)) else {
        return Ok(text);
    };
    let Some((declaration, document)) = rest.split_once("?>") else {
        return Err(malformed("saml.xml.markup", "an XML declaration that ends", "none"));
    };
    let (version, rest) = declared(declaration, "version");
    let (encoding, rest) = declared(rest, "encoding");
    let (standalone, rest) = declared(rest, "standalone");
    if version != Some("1.0") {
        return Err(malformed("saml.xml.version", "1.0", version.unwrap_or("none")));
    }
    if encoding.map_or(rest.contains("encoding"), |name| !name.eq_ignore_ascii_case("utf-8")) {
        let seen = encoding.unwrap_or("an unreadable declaration");
        return Err(malformed("saml.xml.encoding", "UTF-8", seen));
    }
    if !rest.trim_matches(BLANK).is_empty() || !matches!(standalone, None | Some("yes" | "no")) {
        return Err(malformed("saml.xml.markup", "an XML declaration", declaration));
    }
    Ok(document)
}

/// XML's white space (XML 1.0, 2.3).
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// The value of `name` where `declaration` says it next (XML 1.0, 2.8), and what follows.
fn declared<'x>(declaration: &'x str, name: &str) -> (Option<&'x str>, &'x str) {
    let read = || {
        let value = declaration.strip_prefix(BLANK)?.trim_start_matches(BLANK).strip_prefix(name)?;
        let value = value.trim_start_matches(BLANK).strip_prefix('=')?.trim_start_matches(BLANK);
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        value[1..].split_once(quote)
    };
    read().map_or((None, declaration), |(value, rest)| (Some(value), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_text_of_xml() {
        for (document, expected) in [
            ("<?xml version='1.0' encoding='utf-8'?><a b='>'/>", ""),
            ("\u{feff}<a/>", ""),
            ("<a>\u{fffd}\u{feff}</a>", ""),
            ("<?xml version=\"1.1\"?><a/>", "saml.xml.version"),
            ("<?xml encoding=\"UTF-8\"?><a/>", "saml.xml.version"),
            ("<?xml version=\"1.0\" encoding=\"UTF-7\"?><a/>", "saml.xml.encoding"),
            ("<?xml version=\"1.0\" encoding=UTF-7?><a/>", "saml.xml.encoding"),
            ("<?xml version=\"1.0\"", "saml.xml.markup"),
            ("<?xml\tversion = '1.0'\n standalone=\"yes\" ?><a/>", ""),
            ("<?xml version=\"1.0\" standalone=\"maybe\"?><a/>", "saml.xml.markup"),
            ("<?xml version=\"1.0\" encgding=\"UTF-8\"?><a/>", "saml.xml.markup"),
            ("<?xml version=\"1.0\"standalone=\"no\"?><a/>", "saml.xml.markup"),
            ("<?xml encoding=\"UTF-8\" version=\"1.0\"?><a/>", "saml.xml.version"),
            ("<a>\u{0}</a>", "saml.xml.character"),
            ("<a>\u{ffff}</a>", "saml.xml.character"),
        ] {
            let seen = scan(document.as_bytes(), &RESPONSE).map_or_else(|fault| fault.check(), |_| "");
            assert_eq!(seen, expected, "{document:?}");
        }
        assert_eq!(scan(b"\xff\xfe<\0a\0/\0>\0", &RESPONSE).unwrap_err().check(), "saml.xml.encoding");
    }

    #[test]
    fn refuses_what_is_too_large() {
        let long = |n: usize| format!("<a>{}</a>", "x".repeat(n - 7));
        assert!(scan(long(RESPONSE.bytes).as_bytes(), &RESPONSE).is_ok());
        let refused = scan(long(RESPONSE.bytes + 1).as_bytes(), &RESPONSE).unwrap_err();
        assert_eq!(refused.check(), "saml.xml.size");
    }
}
