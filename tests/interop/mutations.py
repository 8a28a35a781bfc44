"""Edits of a signed response, by class. Each takes a random generator and the XML, and gives other XML.

`HARMLESS` change how a document is written and not what it is: the signature still fits. What
`HARMFUL` do, no identity provider ever signed.
"""

import copy
import re

from lxml import etree

TEXT = re.compile(rb">([^<&]*\w[^<&]*)<")
TAG = re.compile(rb"<[\w:]+(?:\s+[\w:]+=\"[^\"<>]*\")+\s*/?>")
ATTRIBUTE = re.compile(rb"\s+[\w:]+=\"[^\"<>]*\"")


def replace_one(random, xml, pattern, change):
    """One of the matches of `pattern`, by chance, made into what `change` makes of it."""
    found = random.choice(list(re.finditer(pattern, xml)))
    return xml[: found.start()] + change(found) + xml[found.end() :]


def character_reference(random, xml):
    def change(found):
        at = random.randrange(found.start(1), found.end(1))
        before, after = xml[found.start() : at], xml[at + 1 : found.end()]
        form = random.choice([b"&#%d;", b"&#x%x;", b"&#x0%X;"])
        return before + form % xml[at] + after

    return replace_one(random, xml, TEXT, change)


def white_space_in_tag(random, xml):
    space = random.choice([b" ", b"\n", b"\t", b"\r\n  "])
    return replace_one(random, xml, rb"(?<=[\w\"])(?=/?>)", lambda _: space)


def quotes(random, xml):
    return replace_one(random, xml, rb'="[^"\'<>]*"', lambda found: b"='" + found[0][2:-1] + b"'")


def attribute_order(random, xml):
    def change(found):
        attributes = ATTRIBUTE.findall(found[0])
        shuffled = random.sample(attributes, len(attributes))
        return found[0].replace(b"".join(attributes), b"".join(shuffled))

    return replace_one(random, xml, TAG, change)


def empty_elements(random, xml):
    def toggled(found):
        if found[1]:
            return b"<" + found[1] + found[2] + b"/>"
        return b"<" + found[3] + found[4] + b"></" + found[3] + b">"

    either = rb"<([\w:]+)((?:\s[^<>]*)?)(?<!/)></\1>|<([\w:]+)((?:\s[^<>]*)?)/>"
    return replace_one(random, xml, either, toggled)


def unused_namespace(random, xml):
    return replace_one(random, xml, rb"<[\w:]+", lambda found: found[0] + b' xmlns:unused="urn:example:unused"')


def declaration(random, xml):
    return random.choice([b'<?xml version="1.0"?>', b"<?xml version='1.0' encoding='UTF-8' ?>\n"]) + xml


def blank_outside(random, xml):
    """White space in the response, outside of what is signed."""
    return replace_one(random, xml, rb"(?=<[\w]*:?Status>)|(?=</[\w]*:?Response>)", lambda _: b"\n  ")


HARMLESS = {
    "a character reference": character_reference,
    "white space in a tag": white_space_in_tag,
    "single quotes": quotes,
    "attribute order": attribute_order,
    "empty elements": empty_elements,
    "a namespace nobody uses": unused_namespace,
    "an XML declaration": declaration,
    "white space around": blank_outside,
}


def any_byte(random, xml):
    at = random.randrange(len(xml))
    return xml[:at] + bytes([random.randrange(256)]) + xml[at + 1 :]


def removed_bytes(random, xml):
    at = random.randrange(len(xml))
    return xml[:at] + xml[at + random.randrange(1, 40) :]


def inserted(*words):
    def edit(random, xml):
        at = random.choice([found.start() for found in re.finditer(rb"[<>\"]|(?<=>)\w", xml)])
        return xml[:at] + random.choice(words) + xml[at:]

    return edit


def element_edit(edit):
    """An edit of two elements of the tree, neither of them the root or around the other."""

    def apply(random, xml):
        root = etree.fromstring(xml)
        elements = list(root.iterdescendants(etree.Element))
        one = random.choice(elements)
        others = [other for other in elements if other is not one and one not in other.iterancestors()]
        edit(one, random.choice(others))
        return etree.tostring(root)

    return apply


def removed(one, _):
    one.getparent().remove(one)


def copied(one, other):
    other.addnext(copy.deepcopy(one))


def moved(one, other):
    other.addnext(one)


def nested(one, other):
    other.append(copy.deepcopy(one))


def wrapping(edit):
    """Signature wrapping: the genuine assertion, and a forged one of another subject and id."""

    def apply(random, xml):
        response = etree.fromstring(xml)
        genuine = response.find("{*}Assertion")
        forged = copy.deepcopy(genuine)
        forged.set("ID", random.choice(["_forged", genuine.get("ID")]))
        forged.find("{*}Subject/{*}NameID").text = "root"
        signature = forged.find("{*}Signature")
        if signature is not None and random.random() < 0.7:
            forged.remove(signature)
        edit(response, genuine, forged)
        return etree.tostring(response)

    return apply


def forged_in_signature(response, genuine, forged):
    """The genuine assertion is kept as an object of the forged one's signature."""
    signature = genuine.find("{*}Signature")
    genuine.addprevious(forged)
    if signature is None:
        return
    genuine.remove(signature)
    kept = forged.find("{*}Signature")
    if kept is not None:
        forged.remove(kept)
    forged.insert(1, signature)
    etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object").append(genuine)


def in_extensions(response, genuine, forged):
    extensions = etree.Element("{urn:oasis:names:tc:SAML:2.0:protocol}Extensions")
    genuine.addprevious(forged)
    extensions.append(genuine)
    response.insert(1, extensions)


def swapped(response, genuine, forged):
    """The whole response around the forged assertion, and the genuine one in it."""
    genuine.addprevious(forged)
    forged.append(genuine)


HARMFUL = {
    "any byte": any_byte,
    "removed bytes": removed_bytes,
    "a comment": inserted(b"<!-- -->", b"<!---->"),
    "CDATA": inserted(b"<![CDATA[x]]>", b"<![CDATA[]]>"),
    "an instruction": inserted(b"<?x y?>"),
    "other markup": inserted(b"<x/>", b"&lt;", b"]]>", b"\x00", b"&x;", b' ID="_x"', b"x"),
    "an element removed": element_edit(removed),
    "an element copied": element_edit(copied),
    "an element moved": element_edit(moved),
    "an element nested": element_edit(nested),
    "forged before": wrapping(lambda _, genuine, forged: genuine.addprevious(forged)),
    "forged behind": wrapping(lambda _, genuine, forged: genuine.addnext(forged)),
    "forged around": wrapping(swapped),
    "forged within": wrapping(lambda _, genuine, forged: genuine.append(forged)),
    "genuine in the signature": wrapping(forged_in_signature),
    "genuine in the extensions": wrapping(in_extensions),
}
