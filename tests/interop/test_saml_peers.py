"""Whole identity providers, with people who sign in: Keycloak and SimpleSAMLphp.

Each variation is a provider of the broker and a service provider of the peer, which knows the
broker from its metadata alone. Both ends are as installed, but for the settings that are shown.
"""

import base64
import re
from dataclasses import dataclass, field, replace

import pytest
from lxml import etree

import keys
from broker import CLOSED, DEPLOY, READ_ONLY, AttributeNames, Broker
from clients import Browser, refusal, sts, with_saml
from keycloak import AWS
from visitor import Visitor, document

EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
WITH_COMMENTS = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
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
    # Settings of the broker's provider.
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
    "e": "http://www.w3.org/2001/04/xmlenc#",
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
# Encrypted to the key of our metadata. Keycloak does so unless it is told not to.
ENCRYPTED = "/p:Response/a:EncryptedAssertion and //e:EncryptionMethod[contains(@Algorithm, '{}')]"
XENC, XENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
KEY = 'keys = [{ file = "ours.pem" }]'
KEYS = 'keys = [{ file = "ours.pem" }, { file = "next.pem" }]'
TURNED = 'keys = [{ file = "next.pem" }, { file = "ours.pem" }]'
CLEAR = {"saml.encrypt": "false"}
BY_URL = {"saml.useMetadataDescriptorUrl": "true"}
CBC = {"saml.encryption.algorithm": f"{XENC}aes256-cbc"}
OAEP_MGF1P = {"saml.encryption.keyAlgorithm": f"{XENC}rsa-oaep-mgf1p"}
VARIATIONS |= {
    "keycloak, encrypted": keycloak({}, ENCRYPTED.format("aes256-gcm"), options=KEY),
    "keycloak, encrypted, OAEP with SHA-1": keycloak(
        OAEP_MGF1P
        | {
            "saml.encryption.digestMethod": "http://www.w3.org/2000/09/xmldsig#sha1",
            "saml.encryption.algorithm": f"{XENC11}aes128-gcm",
        },
        ENCRYPTED.format("aes128-gcm"),
        options=f'{KEY}\nencryption = "required"',
    ),
    "keycloak, encrypted, two keys": keycloak(BY_URL, ENCRYPTED.format("aes256-gcm"), options=KEYS),
    "keycloak, encrypted, two keys turned around": keycloak(
        BY_URL, ENCRYPTED.format("aes256-gcm"), options=TURNED
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
    "keycloak, canonicalization with comments": (
        keycloak(
            {"saml_signature_canonicalization_method": WITH_COMMENTS},
            f"//d:CanonicalizationMethod[@Algorithm='{WITH_COMMENTS}']",
        ),
        "saml.signature.canonicalization",
    ),
    "keycloak, RSA-SHA1": (
        keycloak({"saml.signature.algorithm": "RSA_SHA1"}, ALGORITHM.format("xmldsig#rsa-sha1")),
        "saml.signature.algorithm",
    ),
    "keycloak, in clear": (
        keycloak(CLEAR, BOTH_SIGNED, options=f'{KEY}\nencryption = "required"'),
        "saml.encryption.required",
    ),
    "keycloak, OAEP with SHA-256 and SHA-1": (
        keycloak(OAEP_MGF1P, ENCRYPTED.format("rsa-oaep-mgf1p"), options=KEY),
        "saml.encryption.oaep",
    ),
    "keycloak, AES-CBC": (keycloak(CBC, ENCRYPTED.format("aes256-cbc"), options=KEY), "saml.encryption.cbc"),
    "keycloak, AES-CBC in an unsigned response": (
        keycloak(
            CBC | {"saml.server.signature": "false"},
            f"{ENCRYPTED.format('aes256-cbc')} and not(/p:Response/d:Signature)",
            options=f'{KEY}\naccept = ["aes-cbc"]',
        ),
        "saml.encryption.cbc-unauthenticated",
    ),
    "simplesamlphp, AES-CBC": (
        php({"assertion.encryption": True}, ENCRYPTED.format("aes128-cbc"), options=KEY),
        "saml.encryption.cbc",
    ),
    "simplesamlphp, response alone signed": (
        php({"saml20.sign.assertion": False}, RESPONSE_SIGNED),
        "saml.signature.absent",
    ),
}
# The same, where the provider's settings allow it.
BORNE = {
    f"{title}, borne": replace(
        REFUSALS[title][0], options=f'{REFUSALS[title][0].options}\naccept = ["{laxity}"]'
    )
    for title, laxity in {
        "keycloak, response alone signed": "signed-response",
        "keycloak, RSA-SHA1": "sha1",
        "keycloak, AES-CBC": "aes-cbc",
        "simplesamlphp, AES-CBC": "aes-cbc",
        "simplesamlphp, response alone signed": "signed-response",
    }.items()
}
# Login requests: with keys the broker says in its metadata that it signs, and the peers insist on it.
POST = 'request_binding = "post"'
MUST_SIGN = {"validate.authnrequest": True}
REQUESTS = {
    "keycloak, signed request": keycloak(CLEAR, BOTH_SIGNED, options=KEY),
    "keycloak, signed request in a form": keycloak(CLEAR, BOTH_SIGNED, options=f"{KEY}\n{POST}"),
    "keycloak, two keys": keycloak(BY_URL | CLEAR, BOTH_SIGNED, options=KEYS),
    "keycloak, two keys turned around": keycloak(BY_URL | CLEAR, BOTH_SIGNED, options=TURNED),
    "keycloak, request in a form": keycloak({}, BOTH_SIGNED, options=POST),
    "keycloak, anew": keycloak({}, BOTH_SIGNED, options="force_authn = true"),
    "keycloak, a format asked for": keycloak(
        {"saml_force_name_id_format": "false"}, NAME_ID.format(EMAIL), options=f'name_id_format = "{EMAIL}"'
    ),
    "simplesamlphp, signed request": php(MUST_SIGN, BOTH_SIGNED, options=KEY),
    "simplesamlphp, two keys": php(MUST_SIGN, BOTH_SIGNED, options=KEYS),
    "simplesamlphp, two keys turned around": php(MUST_SIGN, BOTH_SIGNED, options=TURNED),
    "simplesamlphp, a format asked for": php(
        {}, NAME_ID.format(TRANSIENT), options=f'name_id_format = "{TRANSIENT}"'
    ),
}
SIGNED = "keycloak, signed request", "simplesamlphp, signed request"
ANSWERS = VARIATIONS | BORNE
ALL = ANSWERS | REQUESTS | {name: variation for name, (variation, _) in REFUSALS.items()}
for title, variation in ALL.items():
    variation.name = re.sub(r"\W+", "-", title)


@pytest.fixture(scope="module")
def peers(keycloak, simplesamlphp):
    return {"keycloak": keycloak, "simplesamlphp": simplesamlphp}


@pytest.fixture(scope="module")
def broker(folder, peers):
    broker = Broker(folder / "broker")
    for name in "ours", "next":
        keys.pair(folder, name).write_both(broker.folder / f"{name}.pem")
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
    show(page, each)
    return page


def show(page, each):
    """Asserts that the response has the shape that is to be tested."""
    response = document(page)
    shown = response.xpath(f"boolean({each.shows})", namespaces=NAMESPACES)
    assert shown, f"{each.shows} isn't true of\n{etree.tostring(response, pretty_print=True).decode()}"


def choose(picker):
    """From the role picker to the console, as ReadOnly."""
    offered = picker.form.inputs["roleIndex"].value_options
    assert sorted(offered) == sorted([DEPLOY, READ_ONLY, CLOSED])
    console = picker.submit(roleIndex=READ_ONLY)
    assert (console.status, console.url) == (200, f"{picker.url.split('/saml/')[0]}/console")
    assert "assumed-role/ReadOnly/ann@example.com" in console.text


@pytest.mark.parametrize("variation", ANSWERS | REQUESTS)
def test_login(broker, peers, variation):
    """SP-initiated: our login, the peer's form, its answer, the role picker, the console."""
    each = (ANSWERS | REQUESTS)[variation]
    page = Visitor().open(f"{broker.url}/saml/{each.name}/login")
    asked = broker.url if POST in each.options else peers[each.peer].url
    assert page.url.startswith(asked), page.text
    answer = peers[each.peer].sign_in(page)
    show(answer, each)
    choose(answer.submit())


@pytest.mark.parametrize("variation", SIGNED)
def test_a_changed_request_is_refused_by_the_peer(broker, peers, variation):
    """It knows our key from our metadata, and shows no login to a request that isn't signed by it."""
    each = REQUESTS[variation]
    login = Browser(broker).get(f"/saml/{each.name}/login").headers["Location"]
    assert Visitor().open(login).asks_for("password")
    relay_state = re.search("RelayState=([^&]+)", login)[1]
    changed = login.replace(relay_state, "x" * len(relay_state))
    unsigned = re.sub("&(SigAlg|Signature)=[^&]+", "", login)
    for refused in changed, unsigned:
        assert not Visitor().open(refused).asks_for("password")


def test_anew(broker, peers):
    """Who has a session at the peer is sent on without a question, unless the broker wants one."""
    visitor = Visitor()
    login = lambda name: visitor.open(f"{broker.url}/saml/{name}/login")
    assert login("keycloak").asks_for("password")
    peers["keycloak"].sign_in(login("keycloak"))
    assert login("keycloak").asks_for("SAMLResponse")
    assert login("keycloak-anew").asks_for("password")


@pytest.mark.parametrize("variation", ANSWERS)
def test_idp_initiated(broker, peers, variation):
    """The person starts at the peer."""
    choose(answered(broker, peers, ANSWERS[variation]).submit())


def changed(response):
    """Another person, or, if nobody can tell where that stands, another letter of the ciphertext."""
    xml = base64.b64decode(response)
    if b"EncryptedAssertion" in xml:
        other = lambda letter: b"B" if letter[0] == b"A" else b"A"
        xml = re.sub(rb"(?<=<xenc:CipherValue>).", other, xml, count=1)
    else:
        assert b"ann@example.com<" in xml
        xml = xml.replace(b"ann@example.com<", b"eve@example.com<")
    return base64.b64encode(xml).decode()


@pytest.mark.parametrize("variation", ANSWERS)
def test_assume_role_with_saml(broker, peers, variation):
    """A tool takes the response to the STS API: once for a role, and changed by one byte not at all."""
    each = ANSWERS[variation]
    response = answered(broker, peers, each).fields["SAMLResponse"]
    invalid = ("InvalidIdentityToken", "Response signature invalid", 400)
    assert refusal(with_saml, broker, each, DEPLOY, changed(response)) == invalid
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
    page = answered(broker, peers, each).submit()
    assert page.status == 400, page.text
    assert broker.check_behind(page.text) == check
