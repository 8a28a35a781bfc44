//! What a response says, read by a parser that is not ours, with no check at all.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

/// Subject and attributes of an assertion.
pub(crate) struct Read {
    pub(crate) subject: String,
    pub(crate) attributes: BTreeMap<String, Vec<String>>,
}

/// Reads the first assertion of a response, if there is one with a subject.
pub(crate) fn read(document: &str) -> Option<Read> {
    let document = document.replace("\r\n", "\n").replace('\r', "\n");
    let document = Document::parse(&document).ok()?;
    let assertion = children(document.root_element(), "Assertion").next()?;
    let subject = children(assertion, "Subject").next()?;
    let subject = text(children(subject, "NameID").next()?);
    let mut attributes = BTreeMap::<String, Vec<String>>::new();
    for statement in children(assertion, "AttributeStatement") {
        for attribute in children(statement, "Attribute") {
            let values = children(attribute, "AttributeValue").map(|value| {
                // eduPersonTargetedID wraps its value in a NameID.
                text(children(value, "NameID").next().unwrap_or(value))
            });
            attributes.entry(attribute.attribute("Name")?.to_owned()).or_default().extend(values);
        }
    }
    Some(Read { subject, attributes })
}

fn children<'x>(parent: Node<'x, 'x>, local: &'static str) -> impl Iterator<Item = Node<'x, 'x>> {
    parent.children().filter(move |child| child.has_tag_name((ASSERTION, local)))
}

/// Everything that is written in an element, however deep.
fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter(|inner| inner.is_text()).filter_map(|inner| inner.text()).collect()
}
