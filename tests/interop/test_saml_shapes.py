"""Responses in the shapes that vendors' products give them (`shapes.py`)."""

import base64
import uuid
from dataclasses import replace

import pytest

from broker import CLOSED, DEPLOY, READ_ONLY, Broker
from clients import Browser, refusal, sts, with_saml
from shapes import ANN, CERTIFICATE, KEY_INFOS, PINGFEDERATE, RESPONSE_SIGNED, SHAPES, ShapedIdp, Signing

INVALID = ("InvalidIdentityToken", "Response signature invalid", 400)
UNSIGNED_ASSERTION = "Response (with optional signature) must contain an assertion with a mandatory signature"
WITH_KEY_INFO = {
    f"pingfederate-{name}": replace(PINGFEDERATE, entity_id=f"PF-{name}", signing=Signing(key_info=key_info))
    for name, key_info in KEY_INFOS.items()
}
BORNE = {
    f"{name}-borne": replace(shape, entity_id=f"{shape.entity_id}-borne", options='accept = ["signed-response"]')
    for name, shape in RESPONSE_SIGNED.items()
}
# What one product or another does, in an assertion of Entra ID's.
PLAIN = SHAPES["entra"]


def quirk(old="", new="", **changes):
    assert old in PLAIN.response
    return replace(PLAIN, response=PLAIN.response.replace(old, new, 1) if old else PLAIN.response, **changes)


SUCCESS, TWO = '"{success}"/>', "<{d}X509Certificate>{certificate}</{d}X509Certificate></{d}X509Data>"
QUIRKS = {
    "nanoseconds": quirk(digits=9),
    "whole seconds": quirk(digits=0),
    "a chain of certificates": quirk(signing=Signing("", key_info=CERTIFICATE.replace("</{d}X509Data>", TWO))),
    "a key by its name": quirk(signing=Signing("", key_info="<KeyInfo><KeyName>idp-2026</KeyName></KeyInfo>")),
    "an empty KeyInfo": quirk(signing=Signing("", key_info='<KeyInfo Id="key"/>')),
    "a status message": quirk(SUCCESS, f"{SUCCESS}<samlp:StatusMessage>Signed in.</samlp:StatusMessage>"),
    "a status detail": quirk(SUCCESS, f'{SUCCESS}<samlp:StatusDetail><x xmlns="urn:x">y</x></samlp:StatusDetail>'),
    "no destination": quirk('Destination="{recipient}"', ""),
    "no session index": quirk(' SessionIndex="{assertion_id}"', ""),
    "blanks around issuer": quirk("<Issuer>{issuer}", "<Issuer>&#10;  {issuer}&#10;"),
    "blanks around audience": quirk("{audience}", "&#10;  {audience}&#10;"),
    "several audiences": quirk("<Audience>", "<Audience>https://other.example/</Audience><Audience>"),
    "two restrictions": quirk(
        "</Conditions>",
        "<AudienceRestriction><Audience>{audience}</Audience></AudienceRestriction></Conditions>",
    ),
    "a beginning of the confirmation": quirk(
        "<SubjectConfirmationData", '<SubjectConfirmationData NotBefore="{not_before}" Address="192.0.2.7"'
    ),
    "an authority": quirk(
        "</AuthnContextClassRef>",
        "</AuthnContextClassRef><AuthenticatingAuthority>https://mfa.example/</AuthenticatingAuthority>",
    ),
    "a schema location": quirk(
        'xmlns:samlp="{samlp}"', 'xmlns:samlp="{samlp}" xmlns:xsi="{xsi}" xsi:schemaLocation="{samlp} protocol.xsd"'
    ),
    "advice": quirk("</Conditions>", "</Conditions><Advice><AssertionURIRef>urn:x</AssertionURIRef></Advice>"),
}
# What was done to the text on its way, outside of what is signed.
TAMPERED = {
    "a byte order mark": lambda xml: b"\xef\xbb\xbf" + xml,
    "no declaration, and a blank line": lambda xml: b"\r\n " + xml.split(b"?>", 1)[1].lstrip(),
    "an encoding in small letters": lambda xml: xml.replace(b'version="1.0"', b'version="1.0" encoding="utf-8"', 1),
    "apostrophes": lambda xml: xml.replace(b'Version="2.0"', b"Version='2.0'"),
    "attributes on lines of their own": lambda xml: xml.replace(b" Version=", b"\r\n\tVersion =  "),
}
# What AWS refuses as well (facts 2.2): the message, and the check.
UNREADABLE = ("InvalidIdentityToken", "Invalid base64 SAMLResponse", 400)
AS_ON_AWS = {
    "a NameID without a format": (quirk(' Format="{email}"', ""), "saml.name-id.format"),
    "no NameID": (quirk('<NameID Format="{email}">{subject}</NameID>', ""), "saml.name-id"),
    "two confirmations": (
        quirk("</Subject>", '<SubjectConfirmation Method="{bearer}"/></Subject>'),
        "saml.confirmation.count",
    ),
}
ACCEPTED = SHAPES | WITH_KEY_INFO | BORNE


@pytest.fixture(scope="module")
def idps(folder):
    return {name: ShapedIdp(name, folder, shape) for name, shape in (ACCEPTED | RESPONSE_SIGNED).items()}


@pytest.fixture(scope="module")
def broker(folder, idps):
    broker = Broker(folder / "broker")
    for idp in idps.values():
        idp.broker = broker
        broker.trust_saml(idp.name, idp.metadata(), idp.shape.options, idp.shape.names)
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


def changed(xml):
    """Another team."""
    assert b">core<" in xml, xml
    return xml.replace(b">core<", b">cole<")


@pytest.mark.parametrize("name", ACCEPTED)
def test_assume_role_with_saml(broker, idps, name):
    """The response becomes credentials; changed by one byte it does not."""
    idp = idps[name]
    answer = with_saml(broker, idp, DEPLOY, idp.response())
    assert answer["Issuer"] == idp.shape.entity_id
    assert answer["Subject"] == idp.shape.subject
    assert answer["SubjectType"] == idp.shape.subject_type
    assert answer["Audience"] == broker.acs(name)
    session = answer["AssumedRoleUser"]["Arn"]
    assert session == f"arn:aws:sts::111122223333:assumed-role/Deploy/{ANN}"
    assert sts(broker, answer["Credentials"]).get_caller_identity()["Arn"] == session
    assert refusal(with_saml, broker, idp, DEPLOY, idp.response(tamper=changed)) == INVALID


@pytest.mark.parametrize("name", ACCEPTED)
def test_browser_sign_in(broker, idps, name):
    """SP-initiated: login, the provider's answer, the role picker, the console."""
    idp, browser = idps[name], Browser(broker)
    request_id = idp.request_id(browser.get(f"/saml/{name}/login").headers["Location"])
    form = {"SAMLResponse": idp.response(in_response_to=request_id), "RelayState": ""}
    picker = browser.post(f"/saml/{name}/acs", **form)
    assert picker.status_code == 200, picker.text
    for role in DEPLOY, READ_ONLY, CLOSED:
        assert f'name="roleIndex" value="{role}"' in picker.text
    assert browser.post(f"/saml/{name}/acs", roleIndex=READ_ONLY, **form).status_code == 303
    assert f"assumed-role/ReadOnly/{ANN}" in browser.get("/console").text


@pytest.mark.parametrize("name", RESPONSE_SIGNED)
def test_refused_response_alone_signed(broker, idps, name):
    """As AWS does: what is signed must be the assertion."""
    idp = idps[name]
    refused = ("InvalidIdentityToken", UNSIGNED_ASSERTION, 400)
    assert refusal(with_saml, broker, idp, DEPLOY, idp.response()) == refused
    page = Browser(broker).post(f"/saml/{name}/acs", SAMLResponse=idp.response())
    assert (page.status_code, broker.check_behind(page.text)) == (400, "saml.signature.absent")


@pytest.fixture
def plain(idps):
    """The provider that is given the quirks, one after the other."""
    idp = idps["entra"]
    yield idp
    idp.shape = PLAIN


@pytest.mark.parametrize("name", QUIRKS)
def test_quirks(broker, plain, name):
    """What the schema allows, and products do."""
    plain.shape = QUIRKS[name]
    assert with_saml(broker, plain, DEPLOY, plain.response())["Subject"] == ANN
    assert refusal(with_saml, broker, plain, DEPLOY, plain.response(tamper=changed)) == INVALID


@pytest.mark.parametrize("name", TAMPERED)
def test_quirks_of_the_text(broker, plain, name):
    """What a proxy, or another writer of XML, may change with no harm."""
    tamper = TAMPERED[name]
    assert tamper(base64.b64decode(plain.response())) != base64.b64decode(plain.response())
    assert with_saml(broker, plain, DEPLOY, plain.response(tamper=tamper))["Subject"] == ANN
    both = plain.response(tamper=lambda xml: tamper(changed(xml)))
    assert refusal(with_saml, broker, plain, DEPLOY, both) == INVALID


def test_a_thousand_groups(broker, plain):
    said = {"groups": ["platform", *(str(uuid.uuid4()) for _ in range(1000))], "email": [ANN], "team": ["core"]}
    assert with_saml(broker, plain, DEPLOY, plain.response(attributes=said))["Subject"] == ANN


@pytest.mark.parametrize("name", AS_ON_AWS)
def test_refused_as_on_aws(broker, plain, name):
    """What products send unless they are set up as AWS tells one to."""
    plain.shape, check = AS_ON_AWS[name]
    assert refusal(with_saml, broker, plain, DEPLOY, plain.response()) == UNREADABLE
    page = Browser(broker).post("/saml/entra/acs", SAMLResponse=plain.response())
    assert (page.status_code, broker.check_behind(page.text)) == (400, check)
