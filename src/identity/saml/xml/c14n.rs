//! Exclusive XML Canonicalization 1.0 (<https://www.w3.org/TR/xml-exc-c14n/>), without
//! comments, over a subtree, optionally without one element (the enveloped signature).

use std::cmp::Ordering;

use super::chars::{escape_attribute, escape_text};
use super::tree::{Attribute, Declaration, Element, Item};
use crate::identity::VerifyError;
use crate::identity::saml::malformed;

/// The canonical form of `apex`. `without` is left out; `prefix_list` is the `PrefixList` of
/// `InclusiveNamespaces`, whose prefixes are rendered as inclusive canonicalization would.
pub(crate) fn canonicalize(
    apex: Element<'_, '_>,
    without: Option<Element<'_, '_>>,
    prefix_list: &[&str],
) -> Result<String, VerifyError> {
    let expected = apex.source_bytes();
    let mut writer = Writer {
        out: String::with_capacity(expected),
        most: expected.saturating_mul(4) + 4096,
        prefix_list,
        rendered: Vec::with_capacity(16),
        needed: Vec::with_capacity(16),
    };
    writer.inherited(apex);
    writer.element(apex, without)?;
    Ok(writer.out)
}

struct Writer<'l, 'x> {
    out: String,
    /// The canonical form declares a namespace wherever it is first used, so a long name with
    /// many users can grow without bounds; an honest document does not even double.
    most: usize,
    prefix_list: &'l [&'l str],
    /// What output ancestors declare, innermost last.
    rendered: Vec<Declaration<'x>>,
    /// What the element at hand needs declared.
    needed: Vec<Declaration<'x>>,
}

impl<'x> Writer<'_, 'x> {
    /// Listed prefixes that the apex has from its ancestors.
    fn inherited(&mut self, apex: Element<'_, 'x>) {
        for &prefix in self.prefix_list {
            let mut around = Some(apex);
            while let Some(element) = around {
                if let Some(found) = element.declarations().iter().find(|d| d.prefix == prefix) {
                    self.needed.push(*found);
                    break;
                }
                around = element.parent();
            }
        }
    }

    /// Recursion is bounded by the depth that `scan` allows.
    fn element(
        &mut self,
        element: Element<'_, 'x>,
        without: Option<Element<'_, 'x>>,
    ) -> Result<(), VerifyError> {
        if self.out.len() > self.most {
            let expected = format!("at most {} bytes of canonical form", self.most);
            return Err(malformed("saml.signature.canonical-size", expected, "more"));
        }
        let outside = self.rendered.len();
        self.start_tag(element);
        for item in element.items() {
            match item {
                Item::Text(text, true) => self.out.push_str(text),
                Item::Text(text, false) => escape_text(&mut self.out, text),
                Item::Element(child) if without.is_some_and(|left_out| left_out.same_as(child)) => {}
                Item::Element(child) => self.element(child, without)?,
            }
        }
        self.out.push_str("</");
        self.qualified(element.name().prefix, element.name().local);
        self.out.push('>');
        self.rendered.truncate(outside);
        Ok(())
    }

    fn start_tag(&mut self, element: Element<'_, 'x>) {
        let name = element.name();
        self.out.push('<');
        self.qualified(name.prefix, name.local);
        let own = Declaration { prefix: name.prefix, namespace: name.namespace };
        let needs_one = self.needed.is_empty() && self.prefix_list.is_empty();
        if needs_one && element.attributes().iter().all(|attribute| attribute.name.prefix.is_empty()) {
            self.declare(own);
            self.attributes(element.attributes());
            self.out.push('>');
            return;
        }
        self.needed.push(own);
        for Attribute { name, .. } in element.attributes() {
            if !name.prefix.is_empty() {
                self.needed.push(Declaration { prefix: name.prefix, namespace: name.namespace });
            }
        }
        let listed = element.declarations().iter().filter(|d| self.prefix_list.contains(&d.prefix));
        self.needed.extend(listed);
        self.declare_needed();
        self.attributes(element.attributes());
        self.out.push('>');
    }

    /// Renders what is needed, by prefix.
    fn declare_needed(&mut self) {
        let mut needed = std::mem::take(&mut self.needed);
        needed.sort_unstable_by_key(|declaration| declaration.prefix);
        needed.dedup_by_key(|declaration| declaration.prefix);
        needed.drain(..).for_each(|declaration| self.declare(declaration));
        self.needed = needed;
    }

    /// Renders a declaration unless an output ancestor has it in force.
    fn declare(&mut self, declaration: Declaration<'x>) {
        let mut in_force = self.rendered.iter().rev();
        let in_force = in_force.find(|d| d.binds(declaration.prefix)).map_or("", |d| d.namespace);
        // Mostly it is the very same text.
        let is_same = std::ptr::eq(in_force, declaration.namespace) || in_force == declaration.namespace;
        if is_same || declaration.prefix == "xml" {
            return;
        }
        self.out.push_str(if declaration.prefix.is_empty() { " xmlns" } else { " xmlns:" });
        self.out.push_str(declaration.prefix);
        self.value(declaration.namespace, true);
        self.rendered.push(declaration);
    }

    /// Attributes by namespace name, then local name; those without a namespace come first.
    fn attributes(&mut self, attributes: &[Attribute<'x>]) {
        // Providers mostly write them so.
        if attributes.is_sorted_by(|a, b| in_order(a, b).is_lt()) {
            return attributes.iter().for_each(|attribute| self.attribute(attribute));
        }
        let mut sorted: Vec<_> = attributes.iter().collect();
        sorted.sort_unstable_by(|a, b| in_order(a, b));
        for attribute in sorted {
            self.attribute(attribute);
        }
    }

    fn attribute(&mut self, attribute: &Attribute<'x>) {
        self.out.push(' ');
        self.qualified(attribute.name.prefix, attribute.name.local);
        self.value(&attribute.value, attribute.plain);
    }

    fn qualified(&mut self, prefix: &str, local: &str) {
        if !prefix.is_empty() {
            self.out.push_str(prefix);
            self.out.push(':');
        }
        self.out.push_str(local);
    }

    fn value(&mut self, value: &str, plain: bool) {
        self.out.push_str("=\"");
        if plain {
            self.out.push_str(value);
        } else {
            escape_attribute(&mut self.out, value);
        }
        self.out.push('"');
    }
}

/// By namespace name, which most attributes do not have, then by local name.
fn in_order(a: &Attribute<'_>, b: &Attribute<'_>) -> Ordering {
    let (of_a, of_b) = (a.name.namespace, b.name.namespace);
    let by_namespace = if of_a.len() + of_b.len() == 0 { Ordering::Equal } else { of_a.cmp(of_b) };
    by_namespace.then_with(|| a.name.local.cmp(b.name.local))
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::super::scan::RESPONSE;
    use super::*;

    /// The canonical form of the first element called `apex`, or of the root.
    fn check(document: &str, prefix_list: &[&str], expected: &str) {
        let tree = parse(document, &RESPONSE).unwrap();
        let apex = tree.elements().find(|e| e.name().local == "apex").unwrap_or(tree.root().unwrap());
        assert_eq!(canonicalize(apex, None, prefix_list).unwrap(), expected, "{document}");
    }

    #[test]
    fn empty_elements_white_space_and_escapes() {
        check("<a  b = 'x'\n c=\"y\" ><b/> </a >", &[], "<a b=\"x\" c=\"y\"><b></b> </a>");
        check(
            "<a b='&lt;&amp;>&quot;&apos;&#9;&#10;&#13;\t\n'>&lt;&amp;&gt;\"'\t\n&#13;\r\n</a>",
            &[],
            "<a b=\"&lt;&amp;>&quot;'&#x9;&#xA;&#xD;  \">&lt;&amp;&gt;\"'\t\n&#xD;\n</a>",
        );
        check("<a>é&#xe9;\u{1f600}</a>", &[], "<a>éé😀</a>");
    }

    #[test]
    fn declares_a_namespace_where_it_is_first_used() {
        let document = "<a xmlns:p='u:1' xmlns:q='u:2' xmlns:r='u:3'><p:b><p:c q:d=''/><q:e/></p:b></a>";
        let expected = "<a><p:b xmlns:p=\"u:1\"><p:c xmlns:q=\"u:2\" q:d=\"\"></p:c><q:e xmlns:q=\"u:2\"></q:e></p:b></a>";
        check(document, &[], expected);
        check(
            "<o xmlns='u:0' xmlns:p='u:1'><apex p:x='1'/></o>",
            &[],
            "<apex xmlns=\"u:0\" xmlns:p=\"u:1\" p:x=\"1\"></apex>",
        );
        check(
            "<p:a xmlns:p='u:1'><p:a xmlns:p='u:2'/><p:a/></p:a>",
            &[],
            "<p:a xmlns:p=\"u:1\"><p:a xmlns:p=\"u:2\"></p:a><p:a></p:a></p:a>",
        );
    }

    #[test]
    fn undeclares_the_default_namespace() {
        check(
            "<a xmlns='u:1'><b xmlns=''><c/></b></a>",
            &[],
            "<a xmlns=\"u:1\"><b xmlns=\"\"><c></c></b></a>",
        );
        check("<a xmlns=''><b xmlns=''/></a>", &[], "<a><b></b></a>");
        check(
            "<p:a xmlns='u:1' xmlns:p='u:2'><b xmlns=''/></p:a>",
            &[],
            "<p:a xmlns:p=\"u:2\"><b></b></p:a>",
        );
    }

    #[test]
    fn sorts_attributes_by_namespace_name() {
        let document = "<a xmlns:z='u:1' xmlns:b='u:2' b:a='1' z:b='2' z:a='3' y='4' x='5' xml:lang='en'/>";
        let expected = "<a xmlns:b=\"u:2\" xmlns:z=\"u:1\" x=\"5\" y=\"4\" xml:lang=\"en\" z:a=\"3\" z:b=\"2\" b:a=\"1\"></a>";
        check(document, &[], expected);
    }

    #[test]
    fn renders_listed_prefixes_wherever_they_are_in_scope() {
        let document = "<o xmlns='u:0' xmlns:p='u:1' xmlns:q='u:2'><q:apex><q:b xmlns:p='u:3'/><q:c xmlns:p='u:1'/></q:apex></o>";
        check(document, &[], "<q:apex xmlns:q=\"u:2\"><q:b></q:b><q:c></q:c></q:apex>");
        check(
            document,
            &["p"],
            "<q:apex xmlns:p=\"u:1\" xmlns:q=\"u:2\"><q:b xmlns:p=\"u:3\"></q:b><q:c></q:c></q:apex>",
        );
        check(
            document,
            &["", "none"],
            "<q:apex xmlns=\"u:0\" xmlns:q=\"u:2\"><q:b></q:b><q:c></q:c></q:apex>",
        );
    }

    #[test]
    fn leaves_one_element_out() {
        let tree = parse("<a>1<s><a/></s>2<s/></a>", &RESPONSE).unwrap();
        let root = tree.root().unwrap();
        assert_eq!(canonicalize(root, root.child("", "s"), &[]).unwrap(), "<a>12<s></s></a>");
    }

    #[test]
    fn does_not_grow_without_bounds() {
        let long = "x".repeat(2000);
        let document = |users: usize| format!("<a xmlns:p='u:{long}'>{}</a>", "<p:b/>".repeat(users));
        for (users, expected) in [(3, ""), (300, "saml.signature.canonical-size")] {
            let document = document(users);
            let tree = parse(&document, &RESPONSE).unwrap();
            let canonical = canonicalize(tree.root().unwrap(), None, &[]);
            assert_eq!(canonical.map_or_else(|fault| fault.check(), |_| ""), expected);
        }
    }
}
