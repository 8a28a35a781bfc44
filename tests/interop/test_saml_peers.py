"""Whole identity providers, with people who sign in: Keycloak and SimpleSAMLphp.

Each variation is a provider of the broker and a service provider of the peer, which knows the
broker from its metadata alone. Both ends are as installed, but for the settings that are shown.
"""

import base64
import re
from dataclasses import dataclass, field

import pytest
from lxml import etree

from broker import CLOSED, DEPLOY, READ_ONLY, AttributeNames, Broker
from clients import refusal, sts, with_saml
from keycloak import AWS
from visitor import Visitor, document

EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
RSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
TARGETED_ID = "urn:oid:1.3.6.1.4.1.5923.1.1.1.10"
BASIC = AttributeNames("eduPersonAffiliation", "mail", "ou")
OIDS = AttributeNames(
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:2.5.4.11"
)


@dataclass
class Variation:
    """How a peer is set up, and what shows that it is."""

    peer: str
    settings: dict = field(default_factory=dict)
    shows: str = ""
    attributes: AttributeNames = AttributeNames()
    options: str = ""
    name_id: str = "persistent"
    name: str = ""


def keycloak(settings, shows, **more):
    return Variation("keycloak", settings, shows, **more)


def php(settings, shows, **more):
    return Variation("simplesamlphp", settings, shows, **{"attributes": BASIC} | more)


# `shows` is an XPath that is true of every response.
BOTH_SIGNED = "/p:Response/d:Signature and /p:Response/a:Assertion/d:Signature"
ASSERTION_SIGNED = "not(/p:Response/d:Signature) and /p:Response/a:Assertion/d:Signature"
ALGORITHM = "not(//d:SignatureMethod[not(contains(@Algorithm, '{}'))])"
NAME_ID = "//a:NameID[@Format='{}']"
NAMESPACES = {
    "p": "urn:oasis:names:tc:SAML:2.0:protocol",
    "a": "urn:oasis:names:tc:SAML:2.0:assertion",
    "d": "http://www.w3.org/2000/09/xmldsig#",
}
VARIATIONS = {
    "keycloak": keycloak({}, BOTH_SIGNED),
    "keycloak, assertion signed": keycloak({"saml.server.signature": "false"}, ASSERTION_SIGNED),
    "keycloak, RSA-SHA512": keycloak(
        {"saml.signature.algorithm": "RSA_SHA512"}, ALGORITHM.format("more#rsa-sha512")
    ),
    "keycloak, RSA-PSS": keycloak(
        {"saml.signature.algorithm": "RSA_SHA256_MGF1"}, ALGORITHM.format("sha256-rsa-MGF1")
    ),
    "keycloak, e-mail address": keycloak({"saml_name_id_format": "email"}, NAME_ID.format(EMAIL), name_id=EMAIL),
    "keycloak, transient": keycloak(
        {"saml_name_id_format": "transient"}, NAME_ID.format(TRANSIENT), name_id="transient"
    ),
    "keycloak, key by subject": keycloak(
        {"saml.server.signature.keyinfo.xmlSigKeyInfoKeyNameTransformer": "CERT_SUBJECT"},
        "//d:KeyName = 'CN=corp'",
    ),
    "keycloak, key unnamed": keycloak(
        {"saml.server.signature.keyinfo.xmlSigKeyInfoKeyNameTransformer": "NONE"}, "not(//d:KeyName)"
    ),
    "keycloak, one time": keycloak({"saml.onetimeuse.condition": "true"}, "//a:Conditions/a:OneTimeUse"),
    "keycloak, AWS's attributes": keycloak(
        {"roles": [f"{arn},{{provider}}" for arn in (DEPLOY, READ_ONLY)] + [f"{{provider}},{CLOSED}"]},
        f"count(//a:Attribute[@Name='{AWS}Role']/a:AttributeValue) = 3",
        attributes=AttributeNames(group="nobody"),
        options="assert_roles = true",
    ),
    "simplesamlphp": php({}, BOTH_SIGNED),
    "simplesamlphp, assertion signed": php({"saml20.sign.response": False}, ASSERTION_SIGNED),
    "simplesamlphp, RSA-SHA512": php({"signature.algorithm": RSA_SHA512}, ALGORITHM.format("more#rsa-sha512")),
    "simplesamlphp, transient": php(
        {"NameIDFormat": TRANSIENT}, NAME_ID.format(TRANSIENT), name_id="transient"
    ),
    "simplesamlphp, OIDs": php(
        {
            "attributes.NameFormat": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
            "attributeencodings": {TARGETED_ID: "raw"},
            "authproc": {
                "10": {"class": "core:TargetedID", "attributename": "uid", "nameId": True},
                "20": {"class": "core:AttributeMap", "0": "name2oid"},
            },
        },
        f"//a:Attribute[@Name='{TARGETED_ID}']/a:AttributeValue/a:NameID",
        attributes=OIDS,
    ),
}
# What an honest peer can be set to that is refused: settings, what shows them, the check.
RESPONSE_SIGNED = "/p:Response/d:Signature and not(//a:Assertion/d:Signature)"
REFUSALS = {
    "keycloak, response alone signed": (
        keycloak({"saml.assertion.signature": "false"}, RESPONSE_SIGNED),
        "saml.signature.absent",
    ),
    "keycloak, inclusive canonicalization": (
        keycloak(
            {"saml_signature_canonicalization_method": INCLUSIVE},
            f"//d:CanonicalizationMethod[@Algorithm='{INCLUSIVE}']",
        ),
        "saml.signature.canonicalization",
    ),
    "simplesamlphp, response alone signed": (
        php({"saml20.sign.assertion": False}, RESPONSE_SIGNED),
        "saml.signature.absent",
    ),
}
ALL = VARIATIONS | {name: variation for name, (variation, _) in REFUSALS.items()}
for title, variation in ALL.items():
    variation.name = re.sub(r"\W+", "-", title)


@pytest.fixture(scope="module")
def peers(keycloak, simplesamlphp):
    return {"keycloak": keycloak, "simplesamlphp": simplesamlphp}


@pytest.fixture(scope="module")
def broker(folder, peers):
    broker = Broker(folder / "broker")
    metadata = {name: peer.metadata() for name, peer in peers.items()}
    for each in ALL.values():
        broker.trust_saml(each.name, metadata[each.peer], each.options, each.attributes)
    broker.start()
    for each in ALL.values():
        peers[each.peer].register(broker, each.name, each.settings)
    yield broker
    assert broker.stop() == 0, broker.output


def answered(broker, peers, each):
    """The page on which the peer's answer stands, after an own login there."""
    peer = peers[each.peer]
    page = peer.sign_in(Visitor().open(peer.portal_url(broker, each.name)))
    response = document(page)
    shown = response.xpath(f"boolean({each.shows})", namespaces=NAMESPACES)
    assert shown, f"{each.shows} isn't true of\n{etree.tostring(response, pretty_print=True).decode()}"
    return page


def choose(picker):
    """From the role picker to the console, as ReadOnly."""
    offered = picker.form.inputs["roleIndex"].value_options
    assert sorted(offered) == sorted([DEPLOY, READ_ONLY, CLOSED])
    console = picker.submit(roleIndex=READ_ONLY)
    assert (console.status, console.url) == (200, f"{picker.url.split('/saml/')[0]}/console")
    assert "assumed-role/ReadOnly/ann@example.com" in console.text


@pytest.mark.parametrize("variation", VARIATIONS)
def test_login(broker, peers, variation):
    """SP-initiated: our login, the peer's form, its answer, the role picker, the console."""
    each = VARIATIONS[variation]
    page = Visitor().open(f"{broker.url}/saml/{each.name}/login")
    assert page.url.startswith(peers[each.peer].url), page.text
    choose(peers[each.peer].sign_in(page).submit())


@pytest.mark.parametrize("variation", VARIATIONS)
def test_idp_initiated(broker, peers, variation):
    """The person starts at the peer."""
    choose(answered(broker, peers, VARIATIONS[variation]).submit())


@pytest.mark.parametrize("variation", VARIATIONS)
def test_assume_role_with_saml(broker, peers, variation):
    """A tool takes the response to the STS API: once for a role, and changed by one byte not at all."""
    each = VARIATIONS[variation]
    response = answered(broker, peers, each).fields["SAMLResponse"]
    xml = base64.b64decode(response)
    assert xml.count(b"ann@example.com<") > 0
    changed = base64.b64encode(xml.replace(b"ann@example.com<", b"eve@example.com<")).decode()
    invalid = ("InvalidIdentityToken", "Response signature invalid", 400)
    assert refusal(with_saml, broker, each, DEPLOY, changed) == invalid
    answer = with_saml(broker, each, DEPLOY, response)
    assert answer["Issuer"] == peers[each.peer].entity_id
    assert answer["SubjectType"] == each.name_id
    assert answer["Audience"] == broker.acs(each.name)
    session = answer["AssumedRoleUser"]["Arn"]
    assert session == "arn:aws:sts::111122223333:assumed-role/Deploy/ann@example.com"
    assert sts(broker, answer["Credentials"]).get_caller_identity()["Arn"] == session
    again = ("InvalidIdentityToken", "Response has already been used", 400)
    assert refusal(with_saml, broker, each, DEPLOY, response) == again


@pytest.mark.parametrize("variation", REFUSALS)
def test_refused(broker, peers, variation):
    """What a peer can be set to, and the broker does not take: the log says by which check."""
    each, check = REFUSALS[variation]
    page = answered(broker, peers, each)
    page = page.submit()
    assert page.status == 400, page.text
    request_id = re.search(r"Request id: .*?([0-9a-f-]{36})", page.text)[1]
    line = next(line for line in broker.output.splitlines() if request_id in line and "audit" in line)
    assert f'check="{check}"' in line
