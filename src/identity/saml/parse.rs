//! One parse of a scanned document into a [`Tree`], names resolved.
//!
//! `quick-xml` finds where each piece of markup begins and ends; everything that gives it
//! meaning (names, namespaces, references, one root) is decided here, once.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;
use quick_xml::events::attributes::Attributes;

use super::tree::{Attribute, Declaration, Kind, Name, Node, Tree, is_blank};
use super::{chars, malformed, names};
use crate::identity::VerifyError;

/// Declarations in scope at once; looking up a prefix walks them.
const MAX_NAMESPACES: usize = 64;

/// Parses a document that `scan` let through, or canonical bytes.
pub(super) fn parse(text: &str) -> Result<Tree<'_>, VerifyError> {
    Builder::new(text).build()
}

struct Builder<'x> {
    text: &'x str,
    tree: Tree<'x>,
    /// Open elements, with the number of declarations in scope around each.
    open: Vec<(usize, usize)>,
    scope: Vec<Declaration<'x>>,
}

impl<'x> Builder<'x> {
    fn new(text: &'x str) -> Self {
        let tree = Tree {
            nodes: Vec::with_capacity(128),
            attributes: Vec::with_capacity(128),
            declarations: Vec::with_capacity(16),
        };
        let scope = vec![Declaration { prefix: "xml", namespace: names::XML }];
        Self { text, tree, open: Vec::with_capacity(16), scope }
    }

    fn build(mut self) -> Result<Tree<'x>, VerifyError> {
        if self.text.starts_with('\u{feff}') {
            // The reader would skip it without counting it, and every position would be wrong.
            return Err(malformed("saml.xml.root", "nothing around the root element", "a byte order mark"));
        }
        let mut reader = Reader::from_str(self.text);
        let mut from = 0;
        loop {
            let event = reader.read_event().map_err(|fault| syntax(fault.to_string()))?;
            let to = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let raw = self.text.get(from..to).ok_or_else(|| syntax("positions out of order"))?;
            match event {
                Event::Start(tag) => self.start(raw, tag.name().as_ref().len(), 1)?,
                Event::Empty(tag) => {
                    self.start(raw, tag.name().as_ref().len(), 2)?;
                    self.end();
                }
                Event::End(_) => self.end(),
                Event::Text(_) => self.push_text(chars::text(raw))?,
                Event::GeneralRef(_) => {
                    let name = raw.trim_start_matches('&').trim_end_matches(';');
                    let character = chars::referenced(name)?;
                    self.push_text(Cow::Owned(character.to_string()))?;
                }
                Event::Comment(_) => {}
                Event::Eof => break,
                _ => return Err(syntax("markup that the scan should have refused")),
            }
            from = to;
        }
        match (self.open.is_empty(), self.tree.nodes.is_empty()) {
            (true, false) => Ok(self.tree),
            (true, true) => Err(malformed("saml.xml.root", "one root element", "none")),
            (false, _) => Err(syntax("an element that does not end")),
        }
    }

    /// `raw` is the tag from `<` to `>`; `closing` is the length of `>` or `/>`.
    fn start(&mut self, raw: &'x str, name_length: usize, closing: usize) -> Result<(), VerifyError> {
        if self.open.is_empty() && !self.tree.nodes.is_empty() {
            return Err(malformed("saml.xml.root", "one root element", "a second one"));
        }
        let content = raw.get(1..raw.len() - closing).unwrap_or_default();
        let around = self.scope.len();
        let first_attribute = self.tree.attributes.len();
        let first_declaration = self.tree.declarations.len();
        for attribute in Attributes::new(content, name_length).with_checks(false) {
            let attribute = attribute.map_err(|fault| syntax(fault.to_string()))?;
            let (Cow::Borrowed(value), key) = (attribute.value, attribute.key.into_inner()) else {
                return Err(syntax("an attribute that can't be read"));
            };
            self.attribute(text_of(key)?, text_of(value)?)?;
        }
        self.declare(first_declaration)?;
        self.resolve_attributes(first_attribute)?;
        let name = self.resolve(split(content.get(..name_length).unwrap_or_default())?, true)?;
        let id = self.tree.nodes.len();
        let kind = Kind::Element {
            name,
            attributes: (first_attribute, self.tree.attributes.len()),
            declarations: (first_declaration, self.tree.declarations.len()),
        };
        self.tree.nodes.push(Node { parent: self.current(), end: id + 1, kind });
        self.open.push((id, around));
        Ok(())
    }

    fn end(&mut self) {
        if let Some((id, around)) = self.open.pop() {
            self.tree.nodes[id].end = self.tree.nodes.len();
            self.scope.truncate(around);
        }
    }

    fn push_text(&mut self, text: Cow<'x, str>) -> Result<(), VerifyError> {
        if self.open.is_empty() {
            return if is_blank(&text) {
                Ok(())
            } else {
                Err(malformed("saml.xml.root", "nothing around the root element", text))
            };
        }
        let (parent, id) = (self.current(), self.tree.nodes.len());
        match self.tree.nodes.last_mut() {
            Some(Node { parent: last, kind: Kind::Text(before), .. }) if *last == parent => {
                before.to_mut().push_str(&text);
            }
            _ if text.is_empty() => {}
            _ => self.tree.nodes.push(Node { parent, end: id + 1, kind: Kind::Text(text) }),
        }
        Ok(())
    }

    /// Files an attribute or a declaration; prefixes are resolved when all are known.
    fn attribute(&mut self, key: &'x str, value: &'x str) -> Result<(), VerifyError> {
        let (prefix, local) = match split(key)? {
            ("", "xmlns") => ("", None),
            ("xmlns", prefix) => (prefix, None),
            (prefix, local) => (prefix, Some(local)),
        };
        if let Some(local) = local {
            let name = Name { prefix, local, namespace: "" };
            let value = chars::attribute_value(value)?;
            self.tree.attributes.push(Attribute { name, value });
        } else {
            self.tree.declarations.push(Declaration { prefix, namespace: value });
        }
        Ok(())
    }

    /// Brings an element's own declarations into scope. Relative names are refused because
    /// canonicalization is undefined for them, empty ones because they make it void.
    fn declare(&mut self, first: usize) -> Result<(), VerifyError> {
        let own = &self.tree.declarations[first..];
        for (index, declaration) in own.iter().enumerate() {
            let Declaration { prefix, namespace } = *declaration;
            let undeclares = prefix.is_empty() && namespace.is_empty();
            let clean = namespace.contains(':') && !namespace.contains(['&', ' ', '\t', '\r', '\n']);
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
        let binding = self.scope.iter().rev().find(|declaration| declaration.prefix == prefix);
        match binding {
            Some(declaration) => Ok(Name { prefix, local, namespace: declaration.namespace }),
            None if prefix.is_empty() => Ok(Name { prefix, local, namespace: "" }),
            None => Err(malformed("saml.xml.namespace", "prefixes that are declared", prefix)),
        }
    }

    fn current(&self) -> usize {
        self.open.last().map_or(0, |(id, _)| *id)
    }
}

/// Prefix and local part of a qualified name.
fn split(name: &str) -> Result<(&str, &str), VerifyError> {
    let (prefix, local) = match name.split_once(':') {
        Some((prefix, local)) if chars::is_ncname(prefix) => (prefix, local),
        Some(_) => return Err(syntax(name)),
        None => ("", name),
    };
    if chars::is_ncname(local) { Ok((prefix, local)) } else { Err(syntax(name)) }
}

fn text_of(bytes: &[u8]) -> Result<&str, VerifyError> {
    std::str::from_utf8(bytes).map_err(|fault| syntax(fault.to_string()))
}

fn syntax(seen: impl Into<String>) -> VerifyError {
    malformed("saml.xml.markup", "well-formed XML", seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(document: &str) -> &'static str {
        parse(document).map_or_else(|fault| fault.check(), |_| "")
    }

    #[test]
    fn refuses_what_is_not_well_formed() {
        for (document, expected) in [
            ("<a/>", ""),
            ("", "saml.xml.root"),
            ("<a/><b/>", "saml.xml.root"),
            ("<a/>x", "saml.xml.root"),
            ("x<a/>", "saml.xml.root"),
            ("\u{feff}<a/>", "saml.xml.root"),
            ("<a>", "saml.xml.markup"),
            ("<a></b>", "saml.xml.markup"),
            ("</a>", "saml.xml.markup"),
            ("<a:b:c xmlns:a='u:1'/>", "saml.xml.markup"),
            ("<1a/>", "saml.xml.markup"),
            ("<a b/>", "saml.xml.markup"),
            ("<a b=c/>", "saml.xml.markup"),
            ("<a/b/>", "saml.xml.markup"),
            ("<a>&xxe;</a>", "saml.xml.entity"),
            ("<a>& </a>", "saml.xml.markup"),
            ("<p:a/>", "saml.xml.namespace"),
            ("<a p:b=''/>", "saml.xml.namespace"),
            ("<a xmlns='relative'/>", "saml.xml.namespace"),
            ("<a xmlns:p=''/>", "saml.xml.namespace"),
            ("<a xmlns:xml='u:1'/>", "saml.xml.namespace"),
            ("<a xmlns:xmlns='u:1'/>", "saml.xml.namespace"),
            ("<a xmlns='http://www.w3.org/XML/1998/namespace'/>", "saml.xml.namespace"),
            ("<a b='1' b='2'/>", "saml.xml.duplicate-attribute"),
            ("<a xmlns:p='u:1' xmlns:p='u:2'/>", "saml.xml.duplicate-attribute"),
            ("<a xmlns:p='u:1' xmlns:q='u:1' p:b='' q:b=''/>", "saml.xml.duplicate-attribute"),
        ] {
            assert_eq!(refused(document), expected, "{document}");
        }
    }
}
