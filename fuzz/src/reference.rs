//! Exclusive canonicalization once more, by another hand over another parser: slow, short, and
//! meant to be compared with.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

/// The exclusive canonical form of the root, without comments (<https://www.w3.org/TR/xml-exc-c14n/>).
/// Nothing if the document is not well-formed.
pub(crate) fn canonical(document: &str) -> Option<String> {
    // Before anything is parsed, says XML 1.0, 2.11; roxmltree forgets it behind a reference.
    let document = document.replace("\r\n", "\n").replace('\r', "\n");
    let document = Document::parse(document.strip_prefix('\u{feff}').unwrap_or(&document)).ok()?;
    let mut out = String::new();
    element(document.root_element(), &BTreeMap::new(), &mut out);
    Some(out)
}

/// `in_force` are the namespaces that the output declares around it, by prefix.
fn element<'x>(node: Node<'x, 'x>, in_force: &BTreeMap<&'x str, &'x str>, out: &mut String) {
    let source = node.document().input_text();
    let name = source[node.range()].trim_start_matches('<');
    let name = &name[..name.find([' ', '\t', '\r', '\n', '/', '>']).unwrap_or(name.len())];
    let mut attributes: Vec<_> = node.attributes().collect();
    attributes.sort_by_key(|attribute| (attribute.namespace().unwrap_or_default(), attribute.name()));

    let mut prefixes = vec![name.split_once(':').map_or("", |(prefix, _)| prefix)];
    let of_attributes = attributes.iter().map(|attribute| &source[attribute.range_qname()]);
    prefixes.extend(of_attributes.filter_map(|name| Some(name.split_once(':')?.0)));
    prefixes.retain(|prefix| *prefix != "xml");
    prefixes.sort_unstable();
    prefixes.dedup();

    *out += &format!("<{name}");
    let mut in_force = in_force.clone();
    for prefix in prefixes {
        let namespace = node.lookup_namespace_uri(Some(prefix).filter(|p| !p.is_empty())).unwrap_or_default();
        if in_force.get(prefix).copied().unwrap_or_default() != namespace {
            let colon = if prefix.is_empty() { "" } else { ":" };
            *out += &format!(" xmlns{colon}{prefix}=\"{}\"", value(namespace));
            in_force.insert(prefix, namespace);
        }
    }
    for attribute in attributes {
        *out += &format!(" {}=\"{}\"", &source[attribute.range_qname()], value(attribute.value()));
    }
    *out += ">";
    for child in node.children() {
        if child.is_element() {
            element(child, &in_force, out);
        } else if child.is_text() {
            *out += &text(child.text().unwrap_or_default());
        }
    }
    *out += &format!("</{name}>");
}

fn text(raw: &str) -> String {
    raw.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#xD;")
}

fn value(raw: &str) -> String {
    let escaped = raw.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    escaped.replace('\t', "&#x9;").replace('\n', "&#xA;").replace('\r', "&#xD;")
}
