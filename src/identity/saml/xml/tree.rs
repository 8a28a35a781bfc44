//! A parsed document: an arena that borrows from the text, names resolved. `parse` makes it.
//!
//! Nodes stand in document order, each with the index behind its subtree, so that walking,
//! skipping and canonicalizing are loops. Only elements and text exist; adjoining text is one
//! node, so nothing can hide behind a seam.

use std::borrow::Cow;

use crate::identity::VerifyError;
use crate::identity::saml::malformed;

/// A parsed document. Its first node is the root element.
pub(crate) struct Tree<'x> {
    /// Bytes of the text that it was made of.
    pub(crate) source_bytes: usize,
    pub(crate) nodes: Vec<Node<'x>>,
    pub(crate) attributes: Vec<Attribute<'x>>,
    pub(crate) declarations: Vec<Declaration<'x>>,
}

/// A node: its parent (the root is its own), and the index behind its subtree. Indexes have 32
/// bits, so that the nodes of a response stay in the cache; no limit lets a document have more.
pub(crate) struct Node<'x> {
    pub(crate) parent: u32,
    pub(crate) end: u32,
    pub(crate) kind: Kind<'x>,
}

/// What a node is. Attributes and declarations are ranges of the tree's lists.
pub(crate) enum Kind<'x> {
    Element {
        name: Name<'x>,
        attributes: Range,
        declarations: Range,
    },
    /// `plain`: the same in canonical XML.
    Text {
        text: Cow<'x, str>,
        plain: bool,
    },
}

/// A part of one of the tree's lists.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Range {
    const fn of(self) -> std::ops::Range<usize> {
        self.from as usize..self.to as usize
    }
}

/// An expanded name and the prefix it was written with.
#[derive(Clone, Copy)]
pub(crate) struct Name<'x> {
    pub(crate) prefix: &'x str,
    pub(crate) local: &'x str,
    pub(crate) namespace: &'x str,
}

/// An attribute that is not a namespace declaration.
pub(crate) struct Attribute<'x> {
    pub(crate) name: Name<'x>,
    pub(crate) value: Cow<'x, str>,
    /// Whether the value is the same in canonical XML.
    pub(crate) plain: bool,
}

/// `xmlns` or `xmlns:prefix`.
#[derive(Clone, Copy)]
pub(crate) struct Declaration<'x> {
    pub(crate) prefix: &'x str,
    pub(crate) namespace: &'x str,
}

impl Declaration<'_> {
    /// Whether it is a declaration of this prefix. Prefixes are so short that calling for a
    /// comparison costs more than comparing.
    pub(crate) fn binds(&self, prefix: &str) -> bool {
        self.prefix.len() == prefix.len() && self.prefix.bytes().eq(prefix.bytes())
    }
}

/// An element, or a piece of text, in document order.
pub(crate) enum Item<'t, 'x> {
    Element(Element<'t, 'x>),
    /// Text, and whether it is the same in canonical XML.
    Text(&'t str, bool),
}

/// An element of a tree.
#[derive(Clone, Copy)]
pub(crate) struct Element<'t, 'x> {
    tree: &'t Tree<'x>,
    id: usize,
    name: Name<'x>,
}

impl<'x> Tree<'x> {
    /// The document's one root element.
    pub(crate) fn root(&self) -> Result<Element<'_, 'x>, VerifyError> {
        self.element(0).ok_or_else(|| malformed("saml.xml.root", "one root element", "none"))
    }

    /// Every element, in document order.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Element<'_, 'x>> {
        (0..self.nodes.len()).filter_map(|id| self.element(id))
    }

    fn element(&self, id: usize) -> Option<Element<'_, 'x>> {
        match self.nodes.get(id)?.kind {
            Kind::Element { name, .. } => Some(Element { tree: self, id, name }),
            Kind::Text { .. } => None,
        }
    }
}

impl<'t, 'x> Element<'t, 'x> {
    /// Its name.
    pub(crate) const fn name(self) -> Name<'x> {
        self.name
    }

    /// Whether it has this expanded name; the prefix does not matter.
    pub(crate) fn is(self, namespace: &str, local: &str) -> bool {
        self.name.local == local && self.name.namespace == namespace
    }

    /// Bytes of the whole document that it stands in.
    pub(crate) const fn source_bytes(self) -> usize {
        self.tree.source_bytes
    }

    /// Whether both are the same element of the same tree.
    pub(crate) fn same_as(self, other: Self) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.id == other.id
    }

    /// The element around it.
    pub(crate) fn parent(self) -> Option<Self> {
        (self.id != 0).then(|| self.tree.element(self.tree.nodes[self.id].parent as usize))?
    }

    /// Its attributes, in the order written.
    pub(crate) fn attributes(self) -> &'t [Attribute<'x>] {
        match self.tree.nodes[self.id].kind {
            Kind::Element { attributes, .. } => &self.tree.attributes[attributes.of()],
            Kind::Text { .. } => &[],
        }
    }

    /// The namespace declarations it bears itself.
    pub(crate) fn declarations(self) -> &'t [Declaration<'x>] {
        match self.tree.nodes[self.id].kind {
            Kind::Element { declarations, .. } => &self.tree.declarations[declarations.of()],
            Kind::Text { .. } => &[],
        }
    }

    /// The value of the attribute `local` that is in no namespace.
    pub(crate) fn attribute(self, local: &str) -> Option<&'t str> {
        let mut found = self.attributes().iter();
        found.find(|a| a.name.local == local && a.name.namespace.is_empty()).map(|a| a.value.as_ref())
    }

    /// Its children, in document order.
    pub(crate) fn items(self) -> impl Iterator<Item = Item<'t, 'x>> {
        let (tree, end) = (self.tree, self.tree.nodes[self.id].end as usize);
        let mut next = self.id + 1;
        std::iter::from_fn(move || {
            let node = tree.nodes.get(next).filter(|_| next < end)?;
            let item = match &node.kind {
                Kind::Element { name, .. } => Item::Element(Element { tree, id: next, name: *name }),
                Kind::Text { text, plain } => Item::Text(text, *plain),
            };
            next = node.end as usize;
            Some(item)
        })
    }

    /// Its child elements, in document order.
    pub(crate) fn children(self) -> impl Iterator<Item = Self> {
        self.items().filter_map(|item| match item {
            Item::Element(element) => Some(element),
            Item::Text(..) => None,
        })
    }

    /// Its children of this expanded name.
    pub(crate) fn children_named(self, namespace: &str, local: &str) -> impl Iterator<Item = Self> {
        self.children().filter(move |child| child.is(namespace, local))
    }

    /// Its first child of this expanded name.
    pub(crate) fn child(self, namespace: &str, local: &str) -> Option<Self> {
        self.children().find(|child| child.is(namespace, local))
    }

    /// Its text if it has no child elements, else nothing.
    pub(crate) fn text(self) -> Option<&'t str> {
        let mut items = self.items();
        match (items.next(), items.next()) {
            (None, _) => Some(""),
            (Some(Item::Text(text, _)), None) => Some(text),
            _ => None,
        }
    }

    /// Whether anything but white space stands directly in it.
    pub(crate) fn has_text(self) -> bool {
        self.items().any(|item| matches!(item, Item::Text(text, _) if !is_blank(text)))
    }
}

/// Whether `text` is XML's white space only.
pub(crate) fn is_blank(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::super::scan::RESPONSE;

    #[test]
    fn resolves_names_and_text() {
        let tree = parse(
            "<a xmlns='u:1' xmlns:p='u:2'><p:b p:c='1' c='2'>x&amp;y\r\nz</p:b><b xmlns=''/></a>",
            &RESPONSE,
        );
        let tree = tree.unwrap();
        let root = tree.root().unwrap();
        assert!(root.is("u:1", "a"));
        let b = root.child("u:2", "b").unwrap();
        assert_eq!(b.attribute("c"), Some("2"));
        assert_eq!(b.text(), Some("x&y\nz"));
        assert!(root.child("", "b").is_some());
        assert_eq!(root.text(), None);
        assert!(b.parent().unwrap().same_as(root));
        assert!(root.parent().is_none());
    }
}
