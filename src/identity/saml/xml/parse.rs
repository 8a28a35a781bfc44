//! One pass over the text of a document makes a [`Tree`], names resolved.
//!
//! The parser knows the part of XML 1.0 that an assertion needs and refuses the rest: no
//! document type, so no entities but the predefined ones; no CDATA sections, no processing
//! instructions, and comments only where the [`Limits`] allow them. It is ours because every
//! parser made for more was fooled by what it knew besides, and because what is hashed and what
//! is read must be understood by one and the same code.

use memchr::{memchr, memmem};

use super::chars;
use super::scan::Limits;
use super::tree::{Attribute, Declaration, Kind, Name, Node, Range, Tree, is_blank};
use crate::identity::VerifyError;
use crate::identity::saml::{malformed, names};

/// Declarations in scope at once; looking up a prefix walks them.
const MAX_NAMESPACES: usize = 64;

/// Parses what `scan` let through, or canonical bytes.
pub(crate) fn parse<'x>(text: &'x str, limits: &Limits) -> Result<Tree<'x>, VerifyError> {
    // One node in 32 bytes is usual. The cap keeps a hostile document from reserving much.
    let expected = (text.len() / 32).clamp(16, 256);
    let tree = Tree {
        source_bytes: text.len(),
        nodes: Vec::with_capacity(expected),
        attributes: Vec::with_capacity(expected),
        declarations: Vec::with_capacity(16),
    };
    let scope = vec![Declaration { prefix: "xml", namespace: names::XML }];
    let (open, elements) = (Vec::with_capacity(16), 0);
    Parser { text, bytes: text.as_bytes(), at: 0, limits, tree, open, scope, elements, last: None }.document()
}

struct Parser<'x, 'l> {
    text: &'x str,
    bytes: &'x [u8],
    at: usize,
    limits: &'l Limits,
    tree: Tree<'x>,
    open: Vec<Open<'x>>,
    scope: Vec<Declaration<'x>>,
    elements: usize,
    /// The last element's name, as long as no declaration came or went: the next is often called
    /// the same.
    last: Option<(QualifiedName<'x>, Name<'x>)>,
}

/// An element whose end tag is still to come.
struct Open<'x> {
    id: usize,
    /// Its name as written, which the end tag must repeat.
    written: &'x str,
    /// How many declarations are in scope around it.
    around: usize,
}

/// A name as it is written, whole and in its parts.
#[derive(Clone, Copy)]
struct QualifiedName<'x> {
    written: &'x str,
    prefix: &'x str,
    local: &'x str,
}

impl<'x> Parser<'x, '_> {
    fn document(mut self) -> Result<Tree<'x>, VerifyError> {
        while let Some(distance) = memchr(b'<', &self.bytes[self.at..]) {
            let tag = self.at + distance;
            self.text_up_to(tag)?;
            self.at = tag + 1;
            match self.bytes.get(self.at) {
                Some(b'/') => self.end_tag()?,
                Some(b'!') => self.comment()?,
                Some(b'?') => {
                    let seen = "a processing instruction";
                    return Err(malformed("saml.xml.processing-instruction", "none", seen));
                }
                _ => self.start_tag()?,
            }
        }
        self.text_up_to(self.bytes.len())?;
        match (self.open.is_empty(), self.tree.nodes.is_empty()) {
            (true, false) => Ok(self.tree),
            (true, true) => Err(malformed("saml.xml.root", "one root element", "none")),
            (false, _) => Err(syntax("an element that does not end")),
        }
    }

    fn text_up_to(&mut self, end: usize) -> Result<(), VerifyError> {
        if end == self.at {
            return Ok(());
        }
        let raw = self.between(self.at, end);
        let Some(parent) = self.open.last().map(|open| index(open.id)) else {
            return if is_blank(raw) {
                Ok(())
            } else {
                Err(malformed("saml.xml.root", "nothing around the root element", raw))
            };
        };
        let (text, plain) = chars::text(raw)?;
        let id = self.tree.nodes.len();
        // Only a comment, which is no node, can stand between two pieces of text.
        match self.tree.nodes.last_mut() {
            Some(Node { parent: same, kind: Kind::Text { text: before, plain: so_far }, .. })
                if *same == parent =>
            {
                before.to_mut().push_str(&text);
                *so_far &= plain;
            }
            _ => self.tree.nodes.push(Node { parent, end: index(id + 1), kind: Kind::Text { text, plain } }),
        }
        Ok(())
    }

    /// `<!…`: at most a comment, where comments are allowed.
    fn comment(&mut self) -> Result<(), VerifyError> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"![CDATA[") {
            return Err(malformed("saml.xml.cdata", "none", "a CDATA section"));
        }
        if !rest.starts_with(b"!--") {
            return Err(malformed("saml.xml.doctype", "none", "a document type or entity declaration"));
        }
        if !self.limits.comments {
            return Err(malformed("saml.xml.comment", "none", "a comment"));
        }
        let end = memmem::find(&rest[3..], b"--").ok_or_else(unfinished)?;
        if rest.get(end + 5) != Some(&b'>') {
            return Err(syntax("-- within a comment"));
        }
        self.at += end + 6;
        Ok(())
    }

    /// From behind `<` to behind `>`.
    fn start_tag(&mut self) -> Result<(), VerifyError> {
        if self.open.is_empty() && !self.tree.nodes.is_empty() {
            return Err(malformed("saml.xml.root", "one root element", "a second one"));
        }
        self.elements += 1;
        if self.elements > self.limits.elements {
            let expected = format!("at most {} elements", self.limits.elements);
            return Err(malformed("saml.xml.nodes", expected, "more"));
        }
        let (around, attributes) = (self.scope.len(), self.tree.attributes.len());
        let declarations = self.tree.declarations.len();
        let repeated = self.repeated_name();
        let qualified = match repeated {
            Some(qualified) => qualified,
            None => self.name()?,
        };
        let is_empty = self.attributes()?;
        self.declare(declarations)?;
        self.resolve_attributes(attributes)?;
        let name = match self.last {
            Some((_, name)) if repeated.is_some() => name,
            _ => self.resolve((qualified.prefix, qualified.local), true)?,
        };
        self.last = Some((qualified, name));
        let id = self.tree.nodes.len();
        let kind = Kind::Element {
            name,
            attributes: Range { from: index(attributes), to: index(self.tree.attributes.len()) },
            declarations: Range { from: index(declarations), to: index(self.tree.declarations.len()) },
        };
        let parent = self.open.last().map_or(0, |open| index(open.id));
        self.tree.nodes.push(Node { parent, end: index(id + 1), kind });
        if is_empty {
            self.leave_scope(around);
            return Ok(());
        }
        if self.open.len() == self.limits.depth {
            let expected = format!("at most {} levels", self.limits.depth);
            return Err(malformed("saml.xml.depth", expected, "more"));
        }
        self.open.push(Open { id, written: qualified.written, around });
        Ok(())
    }

    /// From behind `<` to behind `>`.
    fn end_tag(&mut self) -> Result<(), VerifyError> {
        self.at += 1;
        let Some(open) = self.open.pop() else { return Err(syntax("an end tag without its start")) };
        let fits = self.bytes[self.at..].starts_with(open.written.as_bytes());
        self.at += if fits { open.written.len() } else { 0 };
        self.white_space();
        if !fits || self.bytes.get(self.at) != Some(&b'>') {
            return Err(syntax(format!("an end tag that is not </{}>", open.written)));
        }
        self.at += 1;
        self.tree.nodes[open.id].end = index(self.tree.nodes.len());
        self.leave_scope(open.around);
        Ok(())
    }

    fn leave_scope(&mut self, around: usize) {
        if self.scope.len() > around {
            self.scope.truncate(around);
            self.last = None;
        }
    }

    /// The attributes of a tag, up to and with `>` or `/>`. Says whether it was the latter.
    fn attributes(&mut self) -> Result<bool, VerifyError> {
        let mut count = 0;
        loop {
            let spaced = self.white_space();
            match self.bytes.get(self.at) {
                Some(b'>') => {
                    self.at += 1;
                    return Ok(false);
                }
                Some(b'/') if self.bytes.get(self.at + 1) == Some(&b'>') => {
                    self.at += 2;
                    return Ok(true);
                }
                None => return Err(unfinished()),
                Some(_) if !spaced => return Err(syntax("no white space before an attribute")),
                Some(_) => {}
            }
            count += 1;
            let Limits { attributes, all_attributes, .. } = *self.limits;
            let before = self.tree.attributes.len() + self.tree.declarations.len();
            if count > attributes || before >= all_attributes {
                let expected = format!("at most {attributes} attributes a tag, {all_attributes} in all");
                return Err(malformed("saml.xml.attributes", expected, "more"));
            }
            self.attribute()?;
        }
    }

    /// Files an attribute or a declaration; prefixes are resolved when all are known.
    fn attribute(&mut self) -> Result<(), VerifyError> {
        let QualifiedName { prefix, local, .. } = self.name()?;
        self.white_space();
        if self.bytes.get(self.at) != Some(&b'=') {
            return Err(syntax("an attribute without a value"));
        }
        self.at += 1;
        self.white_space();
        let quote = match self.bytes.get(self.at) {
            Some(quote @ (b'"' | b'\'')) => *quote,
            _ => return Err(syntax("an attribute value without quotes")),
        };
        let from = self.at + 1;
        let to = from + memchr(quote, &self.bytes[from..]).ok_or_else(unfinished)?;
        self.at = to + 1;
        let raw = self.between(from, to);
        let (prefix, local) = match (prefix, local) {
            ("", "xmlns") => ("", None),
            ("xmlns", prefix) => (prefix, None),
            (prefix, local) => (prefix, Some(local)),
        };
        if let Some(local) = local {
            let (value, plain) = chars::attribute_value(raw)?;
            let name = Name { prefix, local, namespace: "" };
            self.tree.attributes.push(Attribute { name, value, plain });
        } else {
            self.tree.declarations.push(Declaration { prefix, namespace: raw });
        }
        Ok(())
    }

    /// The last element's name, if it stands here again.
    fn repeated_name(&mut self) -> Option<QualifiedName<'x>> {
        let (last, _) = self.last?;
        let rest = self.bytes[self.at..].strip_prefix(last.written.as_bytes())?;
        let ends = matches!(rest.first(), Some(b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>'));
        self.at += if ends { last.written.len() } else { 0 };
        ends.then_some(last)
    }

    /// The qualified name that stands here.
    fn name(&mut self) -> Result<QualifiedName<'x>, VerifyError> {
        let from = self.at;
        let first = self.ncname()?;
        if self.bytes.get(self.at) != Some(&b':') {
            return Ok(QualifiedName { written: first, prefix: "", local: first });
        }
        self.at += 1;
        let local = self.ncname()?;
        Ok(QualifiedName { written: self.between(from, self.at), prefix: first, local })
    }

    fn ncname(&mut self) -> Result<&'x str, VerifyError> {
        let length = chars::ncname_length(&self.bytes[self.at..]);
        if length == 0 {
            return Err(syntax("no name where one must be"));
        }
        let name = self.between(self.at, self.at + length);
        self.at += length;
        Ok(name)
    }

    fn white_space(&mut self) -> bool {
        let from = self.at;
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.at > from
    }

    /// Both ends stand beside an ASCII character, so both are character boundaries.
    fn between(&self, from: usize, to: usize) -> &'x str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Brings an element's own declarations into scope. Relative names are refused because
    /// canonicalization is undefined for them, empty ones because they make it void.
    fn declare(&mut self, first: usize) -> Result<(), VerifyError> {
        let own = &self.tree.declarations[first..];
        if own.is_empty() {
            return Ok(());
        }
        self.last = None;
        for (index, declaration) in own.iter().enumerate() {
            let Declaration { prefix, namespace } = *declaration;
            let undeclares = prefix.is_empty() && namespace.is_empty();
            let clean = has_scheme(namespace) && !namespace.contains(['&', '<', '"', ' ', '\t', '\r', '\n']);
            let reserved = matches!(prefix, "xml" | "xmlns")
                || namespace == names::XML
                || namespace == "http://www.w3.org/2000/xmlns/";
            if (!clean && !undeclares) || reserved {
                return Err(malformed("saml.xml.namespace", "an absolute namespace name", namespace));
            }
            if own[..index].iter().any(|other| other.prefix == prefix) {
                return Err(malformed("saml.xml.duplicate-attribute", "attributes that differ", prefix));
            }
        }
        self.scope.extend_from_slice(own);
        if self.scope.len() > MAX_NAMESPACES {
            let expected = format!("at most {MAX_NAMESPACES} namespaces in scope");
            return Err(malformed("saml.xml.namespace", expected, "more"));
        }
        Ok(())
    }

    fn resolve_attributes(&mut self, first: usize) -> Result<(), VerifyError> {
        for index in first..self.tree.attributes.len() {
            let Name { prefix, local, .. } = self.tree.attributes[index].name;
            let name = self.resolve((prefix, local), false)?;
            let twin = |other: &Attribute<'_>| {
                other.name.local == name.local && other.name.namespace == name.namespace
            };
            if self.tree.attributes[first..index].iter().any(twin) {
                return Err(malformed("saml.xml.duplicate-attribute", "attributes that differ", local));
            }
            self.tree.attributes[index].name = name;
        }
        Ok(())
    }

    fn resolve(&self, (prefix, local): (&'x str, &'x str), element: bool) -> Result<Name<'x>, VerifyError> {
        if prefix.is_empty() && !element {
            return Ok(Name { prefix, local, namespace: "" });
        }
        let binding = self.scope.iter().rev().find(|declaration| declaration.binds(prefix));
        match binding {
            Some(declaration) => Ok(Name { prefix, local, namespace: declaration.namespace }),
            None if prefix.is_empty() => Ok(Name { prefix, local, namespace: "" }),
            None => Err(malformed("saml.xml.namespace", "prefixes that are declared", prefix)),
        }
    }
}

/// An index of a tree's lists. All limits lie far below 32 bits: a document of 128 MiB has fewer bytes.
#[allow(clippy::cast_possible_truncation)]
const fn index(at: usize) -> u32 {
    at as u32
}

/// Whether a namespace name is absolute (RFC 3986, 3.1).
fn has_scheme(namespace: &str) -> bool {
    let Some((scheme, _)) = namespace.split_once(':') else { return false };
    let may_follow = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(may_follow)
}

fn syntax(seen: impl Into<String>) -> VerifyError {
    malformed("saml.xml.markup", "well-formed XML", seen)
}

fn unfinished() -> VerifyError {
    malformed("saml.xml.markup", "markup that ends", "the end of the document")
}

#[cfg(test)]
mod tests {
    use super::super::scan::{METADATA, RESPONSE};
    use super::*;

    fn check(document: &str, limits: &Limits, expected: &str) {
        let seen = parse(document, limits).map_or_else(|fault| fault.check(), |_| "");
        assert_eq!(seen, expected, "{document:.80}");
    }

    #[test]
    fn refuses_what_is_not_well_formed() {
        for (document, expected) in [
            ("<a/>", ""),
            (" <a >x</a >\n", ""),
            ("<a b='>'/>", ""),
            ("<a>></a>", ""),
            ("", "saml.xml.root"),
            ("<a/><b/>", "saml.xml.root"),
            ("<a/>x", "saml.xml.root"),
            ("x<a/>", "saml.xml.root"),
            ("\u{feff}<a/>", "saml.xml.root"),
            ("<a>", "saml.xml.markup"),
            ("<a></b>", "saml.xml.markup"),
            ("<a></ab>", "saml.xml.markup"),
            ("<ab></a>", "saml.xml.markup"),
            ("<a></a b=''>", "saml.xml.markup"),
            ("</a>", "saml.xml.markup"),
            ("<a:b:c xmlns:a='u:1'/>", "saml.xml.markup"),
            ("<:a/>", "saml.xml.markup"),
            ("<1a/>", "saml.xml.markup"),
            ("< a/>", "saml.xml.markup"),
            ("<a b/>", "saml.xml.markup"),
            ("<a b=c/>", "saml.xml.markup"),
            ("<a ='c'/>", "saml.xml.markup"),
            ("<a/b/>", "saml.xml.markup"),
            ("<a b='1'c='2'/>", "saml.xml.markup"),
            ("<a b='<'/>", "saml.xml.markup"),
            ("<a <b/>", "saml.xml.markup"),
            ("<a>]]></a>", "saml.xml.markup"),
            ("<a", "saml.xml.markup"),
            ("<a b='", "saml.xml.markup"),
            ("<a b", "saml.xml.markup"),
            ("<", "saml.xml.markup"),
            ("<a>&xxe;</a>", "saml.xml.entity"),
            ("<a>& </a>", "saml.xml.entity"),
            ("<a b='&xxe;'/>", "saml.xml.entity"),
            ("<p:a/>", "saml.xml.namespace"),
            ("<a p:b=''/>", "saml.xml.namespace"),
            ("<a><p:b xmlns:p='u:1'/><p:c/></a>", "saml.xml.namespace"),
            ("<a><p:b xmlns:p='u:1'/><p:b/></a>", "saml.xml.namespace"),
            ("<a><p:b xmlns:p='u:1'></p:b><p:b/></a>", "saml.xml.namespace"),
            ("<a xmlns='relative'/>", "saml.xml.namespace"),
            ("<a xmlns='u:&amp;'/>", "saml.xml.namespace"),
            ("<a xmlns:p=''/>", "saml.xml.namespace"),
            ("<a xmlns:xml='u:1'/>", "saml.xml.namespace"),
            ("<a xmlns:xmlns='u:1'/>", "saml.xml.namespace"),
            ("<a xmlns='http://www.w3.org/XML/1998/namespace'/>", "saml.xml.namespace"),
            ("<a b='1' b='2'/>", "saml.xml.duplicate-attribute"),
            ("<a xmlns:p='u:1' xmlns:p='u:2'/>", "saml.xml.duplicate-attribute"),
            ("<a xmlns:p='u:1' xmlns:q='u:1' p:b='' q:b=''/>", "saml.xml.duplicate-attribute"),
        ] {
            check(document, &RESPONSE, expected);
        }
    }

    #[test]
    fn refuses_what_no_assertion_needs() {
        for (document, expected) in [
            (" <?xml version=\"1.0\"?><a/>", "saml.xml.processing-instruction"),
            ("<a><?php ?></a>", "saml.xml.processing-instruction"),
            ("<!DOCTYPE a><a/>", "saml.xml.doctype"),
            ("<a><!-- --></a>", "saml.xml.comment"),
            ("<a><![CDATA[x]]></a>", "saml.xml.cdata"),
        ] {
            check(document, &RESPONSE, expected);
        }
        check("<!-- < > \" --><a><!--x--></a>", &METADATA, "");
        for (document, expected) in [
            ("<a><!-- ", "saml.xml.markup"),
            ("<a><!-- -- --></a>", "saml.xml.markup"),
            ("<a><!--></a>", "saml.xml.markup"),
            ("<a><!-- --->", "saml.xml.markup"),
        ] {
            check(document, &METADATA, expected);
        }
    }

    /// A name that is written again means what its own surroundings say.
    #[test]
    fn a_repeated_name_is_resolved_anew_where_declarations_differ() {
        let document = "<p:a xmlns:p='u:1'><p:a/><p:a xmlns:p='u:2'><p:a/></p:a><p:a/><p:ab/></p:a>";
        let tree = parse(document, &RESPONSE).unwrap();
        let seen: Vec<_> = tree.elements().map(|e| (e.name().namespace, e.name().local)).collect();
        let expected = [("u:1", "a"), ("u:1", "a"), ("u:2", "a"), ("u:2", "a"), ("u:1", "a"), ("u:1", "ab")];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_comment_does_not_split_text() {
        let tree = parse("<a>x<!-- -->y&amp;<!-- -->z</a>", &METADATA).unwrap();
        assert_eq!(tree.root().unwrap().text(), Some("xy&z"));
    }

    #[test]
    fn refuses_what_costs_too_much() {
        let nested = |n: usize| "<a>".repeat(n) + &"</a>".repeat(n);
        check(&nested(RESPONSE.depth), &RESPONSE, "");
        check(&nested(RESPONSE.depth + 1), &RESPONSE, "saml.xml.depth");
        let siblings = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n - 1));
        check(&siblings(RESPONSE.elements), &RESPONSE, "");
        check(&siblings(RESPONSE.elements + 1), &RESPONSE, "saml.xml.nodes");
        let attributes = |n: usize| (0..n).map(|i| format!(" b{i}=''")).collect::<String>();
        check(&format!("<a{}/>", attributes(RESPONSE.attributes)), &RESPONSE, "");
        check(&format!("<a{}/>", attributes(RESPONSE.attributes + 1)), &RESPONSE, "saml.xml.attributes");
    }
}
