"""SAML identity providers that are not ours.

Three implementations with keys of their own: signxml (lxml and `cryptography`), the `xmlsec1`
command (libxml2 and OpenSSL), and pysaml2, a whole identity provider. None shares a line with the
broker.
"""

import base64
import datetime
import subprocess
import urllib.parse
import uuid
import zlib
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from lxml import etree
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureMethod, XMLSigner, methods
from signxml.signer import SignatureReference

import keys

DS = "http://www.w3.org/2000/09/xmldsig#"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
EVERYONE = {"groups": ["platform", "everyone"], "email": ["ann@example.com"], "team": ["core"]}


def instant(seconds=0, fraction=""):
    """A time, as SAML writes it, that many seconds from now."""
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return at.strftime(f"%Y-%m-%dT%H:%M:%S{fraction}Z")


@dataclass
class Style:
    """How one product writes what all products mean."""

    assertion: str = "saml:"
    protocol: str = "samlp:"
    indent: str = ""
    typed_values: bool = False
    sign_assertion: bool = True
    sign_response: bool = False
    algorithm: SignatureMethod = SignatureMethod.RSA_SHA256
    digest: DigestAlgorithm = DigestAlgorithm.SHA256
    key_info: bool = True
    prefix_list: tuple = ()
    ornate: bool = False


@dataclass
class Says:
    """What the response claims."""

    audience: str = ""
    recipient: str = ""
    issuer: str = ""
    subject: str = "ann"
    in_response_to: str = ""
    issued: int = 0
    not_before: int = -30
    ends: int = 300
    session_ends: int = 3600 * 8
    attributes: dict = field(default_factory=lambda: dict(EVERYONE))


# What the schema allows beside what everybody writes.
ORNAMENTS = {
    "response": ' Consent="urn:oasis:names:tc:SAML:2.0:consent:obtained"',
    "name_id": ' NameQualifier="https://idp.example/" SPNameQualifier="urn:example:sp" SPProvidedID="7"',
    "confirmation": ' Address="192.0.2.7"',
    "fraction": ".123456",
    "attribute": ' FriendlyName="friendly" xmlns:x="urn:example:x" x:OriginalIssuer="https://hr.example/"',
    "more": '<{a}SubjectLocality Address="192.0.2.7" DNSName="laptop.example"/>',
    "nil": '<{a}Attribute Name="manager"><{a}AttributeValue xsi:nil="true" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/></{a}Attribute><{a}Attribute Name="none"/>'
    '<{a}Attribute Name="xml" ><{a}AttributeValue xml:lang="de" xml:space="preserve">  Zürich\n </{a}AttributeValue>'
    "</{a}Attribute>",
}


def response_xml(says, style):
    """The response, unsigned; signatures belong behind each issuer."""
    a, p = style.assertion, style.protocol
    ornament = ORNAMENTS if style.ornate else dict.fromkeys(ORNAMENTS, "")
    declare = lambda prefix, uri: f'xmlns{":" + prefix[:-1] if prefix else ""}="{uri}"'
    schema = (
        ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        if style.typed_values
        else ""
    )
    # OpenSAML declares listed prefixes on the assertion, others declare them on each value.
    on_assertion, on_value = (schema, "") if style.prefix_list else ("", schema)
    typed = on_value + (' xsi:type="xs:string"' if style.typed_values else "")
    attributes = "".join(
        f'<{a}Attribute Name="{name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"{ornament["attribute"]}>'
        + "".join(f"<{a}AttributeValue{typed}>{escape(value)}</{a}AttributeValue>" for value in values)
        + f"</{a}Attribute>"
        for name, values in says.attributes.items()
    )
    answers = f' InResponseTo="{says.in_response_to}"' if says.in_response_to else ""
    text = f"""<{p}Response {declare(p, SAMLP)} ID="_{uuid.uuid4()}" Version="2.0"
 IssueInstant="{instant(says.issued)}" Destination="{says.recipient}"{answers}{ornament["response"]}>
<{a}Issuer {declare(a, SAML)}>{says.issuer}</{a}Issuer>
<{p}Status><{p}StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></{p}Status>
<{a}Assertion {declare(a, SAML)}{on_assertion} ID="_{uuid.uuid4()}" Version="2.0" IssueInstant="{instant(says.issued)}">
<{a}Issuer>{says.issuer}</{a}Issuer>
<{a}Subject>
<{a}NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"{ornament["name_id"]}>{escape(says.subject)}</{a}NameID>
<{a}SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<{a}SubjectConfirmationData NotOnOrAfter="{instant(says.ends)}" Recipient="{says.recipient}"{answers}{ornament["confirmation"]}/>
</{a}SubjectConfirmation></{a}Subject>
<{a}Conditions NotBefore="{instant(says.not_before)}" NotOnOrAfter="{instant(says.ends, ornament["fraction"])}">
<{a}AudienceRestriction><{a}Audience>{says.audience}</{a}Audience></{a}AudienceRestriction>
</{a}Conditions>
<{a}AuthnStatement AuthnInstant="{instant(says.issued)}" SessionIndex="_{uuid.uuid4()}"
 SessionNotOnOrAfter="{instant(says.session_ends, ornament["fraction"])}">{ornament["more"].format(a=a)}<{a}AuthnContext>
<{a}AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport\
</{a}AuthnContextClassRef></{a}AuthnContext></{a}AuthnStatement>
<{a}AttributeStatement>{attributes}{ornament["nil"].format(a=a)}</{a}AttributeStatement>
</{a}Assertion></{p}Response>"""
    root = etree.fromstring(text, etree.XMLParser(remove_blank_text=True))
    if style.indent:
        etree.indent(root, style.indent)
    return root


class PlainIdp:
    """Our own words, signed by signxml."""

    def __init__(self, name, folder, private=None):
        self.name, self.folder = name, folder
        self.entity_id = f"https://{name}.idp.example/saml"
        self.pair = keys.pair(folder, f"idp-{name}", private)
        self.broker = None

    def metadata(self):
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- as an administrator would save it -->
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{self.entity_id}">
  <md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}" WantAuthnRequestsSigned="false">
    <md:KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data>
        <ds:X509Certificate>{self.pair.base64}</ds:X509Certificate>
      </ds:X509Data></ds:KeyInfo>
    </md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
      Location="https://{self.name}.idp.example/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
""".encode()

    def says(self, **changes):
        """What an honest response of this provider says to the broker."""
        honest = dict(
            audience=self.broker.entity_id(self.name),
            recipient=self.broker.acs(self.name),
            issuer=self.entity_id,
        )
        return Says(**honest | changes)

    def response(self, style=None, tamper=None, **changes):
        """A signed response, in base64 as it is posted. `tamper` edits the XML afterwards."""
        style = style or Style()
        root = response_xml(self.says(**changes), style)
        xml = etree.tostring(self.signed(root, style))
        return base64.b64encode(tamper(xml) if tamper else xml).decode()

    def request_id(self, location):
        """The id of the login request that a browser is sent here with."""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)
        request = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -zlib.MAX_WBITS)
        return etree.fromstring(request).get("ID")

    def signed(self, root, style):
        if style.sign_assertion:
            assertion = root.find(f"{{{SAML}}}Assertion")
            root.replace(assertion, self.sign(assertion, style))
        return self.sign(root, style) if style.sign_response else root

    def sign(self, element, style):
        """signxml puts its signature where the placeholder is: SAML wants it behind the issuer."""
        element.insert(1, etree.Element(f"{{{DS}}}Signature", {"Id": "placeholder"}, nsmap={"ds": DS}))
        assert not style.prefix_list, "signxml writes no PrefixList into enveloped signatures"
        reference = SignatureReference(URI="#" + element.get("ID"), c14n_method=EXCLUSIVE)
        signer = LegacySigner(
            method=methods.enveloped,
            signature_algorithm=style.algorithm,
            digest_algorithm=style.digest,
            c14n_algorithm=EXCLUSIVE,
        )
        signed = signer.sign(
            element,
            key=self.pair.private,
            cert=[self.pair.certificate],
            reference_uri=[reference],
            id_attribute="ID",
        )
        if not style.key_info:
            for info in signed.findall(f"{{{DS}}}Signature/{{{DS}}}KeyInfo"):
                info.getparent().remove(info)
        return signed


class LegacySigner(XMLSigner):
    """signxml refuses to make SHA-1 signatures; some identity providers still do."""

    def check_deprecated_methods(self):
        pass


# From version 1.3 on, xmlsec1 wants to be told that the one key it was given is the key to use.
HELP = subprocess.run(["xmlsec1", "--help-sign"], capture_output=True, text=True).stdout
LAX = ["--lax-key-search"] if "--lax-key-search" in HELP else []


class XmlsecIdp(PlainIdp):
    """Our own words, signed by the `xmlsec1` command."""

    def sign(self, element, style):
        prefixes = " ".join(style.prefix_list)
        listed = (
            f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE.value}" PrefixList="{prefixes}"/>' if prefixes else ""
        )
        info = "<ds:KeyInfo><ds:X509Data/></ds:KeyInfo>" if style.key_info else ""
        template = f"""<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE.value}"/>
<ds:SignatureMethod Algorithm="{style.algorithm.value}"/>
<ds:Reference URI="#{element.get('ID')}"><ds:Transforms>
<ds:Transform Algorithm="{DS}enveloped-signature"/>
<ds:Transform Algorithm="{EXCLUSIVE.value}">{listed}</ds:Transform></ds:Transforms>
<ds:DigestMethod Algorithm="{style.digest.value}"/><ds:DigestValue/></ds:Reference>
</ds:SignedInfo><ds:SignatureValue/>{info}</ds:Signature>"""
        element.insert(1, etree.fromstring(template))
        document = self.folder / "unsigned.xml"
        document.write_bytes(etree.tostring(element))
        signed = subprocess.run(
            ["xmlsec1", "--sign", *LAX, "--privkey-pem", f"{self.pair.key},{self.pair.chain}"]
            + ["--id-attr:ID", f"{SAML}:Assertion", "--id-attr:ID", f"{SAMLP}:Response"]
            + ["--node-xpath", "/*/*[local-name()='Signature']", document],
            capture_output=True,
        )
        assert signed.returncode == 0, signed.stderr.decode()
        return etree.fromstring(signed.stdout)


def xmlsec1_verifies(document, element, pair, folder):
    """Whether `xmlsec1` finds the document's one signature to be by this pair. `element` is namespace:name."""
    file = folder / "to-verify.xml"
    file.write_bytes(document)
    command = ["xmlsec1", "--verify", *LAX, "--enabled-key-data", "rsa,x509", "--pubkey-cert-pem", pair.chain]
    verified = subprocess.run([*command, "--id-attr:ID", element, file], capture_output=True)
    return verified.returncode == 0
