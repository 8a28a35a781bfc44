//! A linear look over raw bytes before any parser sees them: size, encoding, nesting and the
//! constructs of XML that no assertion needs. What passes is small, shallow UTF-8 without a
//! document type, entities, comments, CDATA sections or processing instructions.

use memchr::{memchr, memchr3, memmem};

use super::malformed;
use crate::identity::VerifyError;

/// What a document may cost.
pub(super) struct Limits {
    /// Bytes of the decoded document.
    pub(super) bytes: usize,
    /// Its elements.
    pub(super) elements: usize,
    /// How deep they nest.
    pub(super) depth: usize,
    /// Attributes and namespace declarations of one tag. Checks within a tag are quadratic in it.
    pub(super) attributes: usize,
    /// Whether comments may stand in it.
    pub(super) comments: bool,
}

/// A response arrives from anybody. An honest one nests about ten deep; the elements are room for a
/// person in some thousand groups.
pub(super) const RESPONSE: Limits =
    Limits { bytes: 256 * 1024, elements: 8192, depth: 48, attributes: 48, comments: false };
/// Metadata of one entity is the operator's choice, and is often written by hand. Its size is
/// AWS's limit (facts 2.4); an element seldom takes less than 80 bytes.
pub(super) const METADATA: Limits =
    Limits { bytes: 10_000_000, elements: 128 * 1024, comments: true, ..RESPONSE };
/// An aggregate of a whole federation: the largest has ten thousand entities in 100 MB and two
/// million elements. Its parsed form takes several times its size for a moment.
pub(super) const AGGREGATE: Limits =
    Limits { bytes: 128 * 1024 * 1024, elements: 3 * 1024 * 1024, ..METADATA };

/// The document's text without byte order mark and XML declaration, or the first reason not to
/// parse it.
pub(super) fn scan<'x>(bytes: &'x [u8], limits: &Limits) -> Result<&'x str, VerifyError> {
    if bytes.len() > limits.bytes {
        let (expected, seen) = (format!("at most {} bytes", limits.bytes), format!("{} bytes", bytes.len()));
        return Err(malformed("saml.xml.size", expected, seen));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|fault| malformed("saml.xml.encoding", "UTF-8", fault.to_string()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(control) = text.bytes().find(|b| *b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r')) {
        return Err(malformed("saml.xml.character", "characters of XML 1.0", format!("{control:#04x}")));
    }
    let text = after_declaration(text)?;
    Markup { bytes: text.as_bytes(), at: 0, depth: 0, elements: 0 }.walk(limits)?;
    Ok(text)
}

/// What follows the XML declaration, which must say XML 1.0 and, if anything, UTF-8.
fn after_declaration(text: &str) -> Result<&str, VerifyError> {
    let Some(rest) = text.strip_prefix("<?xml").filter(|r| r.starts_with([' ', '\t', '\r', '\n'])) else {
        return Ok(text);
    };
    let Some((declaration, document)) = rest.split_once("?>") else {
        return Err(malformed("saml.xml.markup", "an XML declaration that ends", "none"));
    };
    let said = |name: &str| {
        let (_, after) = declaration.split_once(name)?;
        let quoted = after.trim_start().strip_prefix('=')?.trim_start();
        let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        quoted[1..].split_once(quote).map(|(value, _)| value)
    };
    match said("version") {
        Some("1.0") => {}
        other => return Err(malformed("saml.xml.version", "1.0", other.unwrap_or("none"))),
    }
    match said("encoding") {
        None if !declaration.contains("encoding") => Ok(document),
        Some(name) if name.eq_ignore_ascii_case("utf-8") => Ok(document),
        other => Err(malformed("saml.xml.encoding", "UTF-8", other.unwrap_or("an unreadable declaration"))),
    }
}

/// A cursor over markup that counts and refuses, and understands nothing else.
struct Markup<'x> {
    bytes: &'x [u8],
    at: usize,
    depth: usize,
    elements: usize,
}

impl Markup<'_> {
    fn walk(&mut self, limits: &Limits) -> Result<(), VerifyError> {
        while let Some(distance) = memchr(b'<', &self.bytes[self.at..]) {
            self.at += distance + 1;
            match self.bytes.get(self.at) {
                Some(b'!') => self.declaration(limits)?,
                Some(b'?') => {
                    return Err(malformed(
                        "saml.xml.processing-instruction",
                        "none",
                        "a processing instruction",
                    ));
                }
                Some(b'/') => {
                    self.depth = self.depth.saturating_sub(1);
                    self.tag(limits)?;
                }
                Some(_) => self.start_tag(limits)?,
                None => return Err(unfinished()),
            }
        }
        Ok(())
    }

    /// `<!…`: at most a comment, where comments are allowed.
    fn declaration(&mut self, limits: &Limits) -> Result<(), VerifyError> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"![CDATA[") {
            return Err(malformed("saml.xml.cdata", "none", "a CDATA section"));
        }
        if !rest.starts_with(b"!--") {
            return Err(malformed("saml.xml.doctype", "none", "a document type or entity declaration"));
        }
        if !limits.comments {
            return Err(malformed("saml.xml.comment", "none", "a comment"));
        }
        let end = memmem::find(&rest[3..], b"-->").ok_or_else(unfinished)?;
        self.at += end + 6;
        Ok(())
    }

    fn start_tag(&mut self, limits: &Limits) -> Result<(), VerifyError> {
        self.elements += 1;
        if self.elements > limits.elements {
            let expected = format!("at most {} elements", limits.elements);
            return Err(malformed("saml.xml.nodes", expected, "more"));
        }
        self.tag(limits)?;
        if !self.bytes[..self.at].ends_with(b"/>") {
            self.depth += 1;
        }
        if self.depth > limits.depth {
            return Err(malformed("saml.xml.depth", format!("at most {} levels", limits.depth), "more"));
        }
        Ok(())
    }

    /// Moves behind the `>` that ends this tag, counting quoted values on the way.
    fn tag(&mut self, limits: &Limits) -> Result<(), VerifyError> {
        let mut attributes = 0;
        loop {
            let stop = self.at + memchr3(b'>', b'"', b'\'', &self.bytes[self.at..]).ok_or_else(unfinished)?;
            let quote = self.bytes[stop];
            let between = &self.bytes[self.at..stop];
            self.at = stop + 1;
            if memchr(b'<', between).is_some() {
                return Err(malformed("saml.xml.markup", "tags that end", "< within a tag"));
            }
            if quote == b'>' {
                return Ok(());
            }
            attributes += 1;
            if attributes > limits.attributes {
                let expected = format!("at most {} attributes a tag", limits.attributes);
                return Err(malformed("saml.xml.attributes", expected, "more"));
            }
            self.value(quote)?;
        }
    }

    /// Moves behind the closing `quote`, after which a tag ends or white space follows.
    fn value(&mut self, quote: u8) -> Result<(), VerifyError> {
        let end = self.at + memchr(quote, &self.bytes[self.at..]).ok_or_else(unfinished)?;
        if memchr(b'<', &self.bytes[self.at..end]).is_some() {
            return Err(malformed("saml.xml.markup", "no < within an attribute value", "<"));
        }
        self.at = end + 1;
        match self.bytes.get(self.at) {
            Some(b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>') => Ok(()),
            _ => Err(malformed("saml.xml.markup", "white space between attributes", "none")),
        }
    }
}

fn unfinished() -> VerifyError {
    malformed("saml.xml.markup", "markup that ends", "the end of the document")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, limits: &Limits, expected: &str) {
        let seen = scan(document.as_bytes(), limits).map_or_else(|fault| fault.check(), |_| "");
        assert_eq!(seen, expected, "{:.80}", document);
    }

    #[test]
    fn refuses_what_no_assertion_needs() {
        for (document, expected) in [
            ("<?xml version='1.0' encoding='utf-8'?><a b='>'/>", ""),
            ("\u{feff}<a/>", ""),
            ("<?xml version=\"1.1\"?><a/>", "saml.xml.version"),
            ("<?xml encoding=\"UTF-8\"?><a/>", "saml.xml.version"),
            ("<?xml version=\"1.0\" encoding=\"UTF-7\"?><a/>", "saml.xml.encoding"),
            ("<?xml version=\"1.0\" encoding=UTF-7?><a/>", "saml.xml.encoding"),
            (" <?xml version=\"1.0\"?><a/>", "saml.xml.processing-instruction"),
            ("<a><?php ?></a>", "saml.xml.processing-instruction"),
            ("<!DOCTYPE a><a/>", "saml.xml.doctype"),
            ("<a><!-- --></a>", "saml.xml.comment"),
            ("<a><![CDATA[x]]></a>", "saml.xml.cdata"),
            ("<a b='<'/>", "saml.xml.markup"),
            ("<a <b/>", "saml.xml.markup"),
            ("<a b='1'c='2'/>", "saml.xml.markup"),
            ("<a", "saml.xml.markup"),
            ("<a b='", "saml.xml.markup"),
            ("<", "saml.xml.markup"),
            ("<a>\u{0}</a>", "saml.xml.character"),
        ] {
            check(document, &RESPONSE, expected);
        }
        check("<a><!-- < > \" --></a>", &METADATA, "");
        check("<a><!-- ", &METADATA, "saml.xml.markup");
        assert_eq!(scan(b"\xff\xfe<\0a\0/\0>\0", &RESPONSE).unwrap_err().check(), "saml.xml.encoding");
    }

    #[test]
    fn refuses_what_costs_too_much() {
        let nested = |n: usize| "<a>".repeat(n) + &"</a>".repeat(n);
        check(&nested(RESPONSE.depth), &RESPONSE, "");
        check(&nested(RESPONSE.depth + 1), &RESPONSE, "saml.xml.depth");
        let siblings = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n - 1));
        check(&siblings(RESPONSE.elements), &RESPONSE, "");
        check(&siblings(RESPONSE.elements + 1), &RESPONSE, "saml.xml.nodes");
        let attributes = |n: usize| format!("<a {}/>", "b='' ".repeat(n));
        check(&attributes(RESPONSE.attributes), &RESPONSE, "");
        check(&attributes(RESPONSE.attributes + 1), &RESPONSE, "saml.xml.attributes");
        let long = |n: usize| format!("<a>{}</a>", "x".repeat(n - 7));
        check(&long(RESPONSE.bytes), &RESPONSE, "");
        check(&long(RESPONSE.bytes + 1), &RESPONSE, "saml.xml.size");
    }
}
