"""SAML responses that other implementations made and signed, with their own keys and metadata.

signxml, the xmlsec1 command and pysaml2 each are an identity provider of the broker. What real
products vary is accepted, at the STS API and at the browser's ACS; what is wrong is refused with
AWS's exact code. Every refusal has an honest twin that differs in that one point.
"""

import base64
import re
import urllib.parse
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from lxml import etree
from signxml import DigestAlgorithm, SignatureMethod

import keys
from broker import CLOSED, DEPLOY, READ_ONLY, Broker
from clients import Browser, refusal, sts, with_saml
from idp import EVERYONE, PlainIdp, Style, XmlsecIdp
from pysaml2_idp import Pysaml2Idp

UNSIGNED_ASSERTION = "Response (with optional signature) must contain an assertion with a mandatory signature"


@pytest.fixture(scope="module")
def idps(folder):
    return {
        "signxml": PlainIdp("signxml", folder),
        "elliptic": PlainIdp("elliptic", folder, keys.ec_key()),
        "xmlsec1": XmlsecIdp("xmlsec1", folder),
        "xmlsec1-elliptic": XmlsecIdp("xmlsec1-elliptic", folder, keys.ec_key()),
        "pysaml2": Pysaml2Idp("pysaml2", folder),
    }


@pytest.fixture(scope="module")
def broker(folder, idps):
    broker = Broker(folder / "broker")
    for idp in idps.values():
        idp.broker = broker
        broker.trust_saml(idp.name, idp.metadata())
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


@pytest.fixture
def idp(idps):
    """The one that the refusals are shown with."""
    return idps["signxml"]


ECDSA = SignatureMethod.ECDSA_SHA256
RSA_512 = dict(algorithm=SignatureMethod.RSA_SHA512, digest=DigestAlgorithm.SHA512)
VARIATIONS = {
    "assertion signed": ("signxml", Style()),
    "both signed": ("signxml", Style(sign_response=True)),
    "RSA-SHA512": ("signxml", Style(**RSA_512)),
    "RSA-PSS": ("signxml", Style(algorithm=SignatureMethod.SHA256_RSA_MGF1)),
    "ECDSA P-256": ("elliptic", Style(algorithm=ECDSA, sign_response=True)),
    "saml2 prefixes": ("signxml", Style(assertion="saml2:", protocol="saml2p:")),
    "default namespaces": ("signxml", Style(assertion="", protocol="", sign_response=True)),
    "mixed": ("signxml", Style(assertion="", protocol="samlp:")),
    "no KeyInfo": ("signxml", Style(key_info=False)),
    "pretty-printed": ("signxml", Style(indent="    ", sign_response=True)),
    "pretty-printed with tabs": ("signxml", Style(indent="\t")),
    "typed values": ("signxml", Style(typed_values=True)),
    "ornate": ("signxml", Style(ornate=True, sign_response=True)),
    "xmlsec1, ornate": ("xmlsec1", Style(ornate=True, typed_values=True, assertion="", indent=" ")),
    "xmlsec1": ("xmlsec1", Style()),
    "xmlsec1, both signed": ("xmlsec1", Style(sign_response=True)),
    "xmlsec1, RSA-SHA512": ("xmlsec1", Style(sign_response=True, **RSA_512)),
    "xmlsec1, pretty-printed": ("xmlsec1", Style(indent="  ")),
    "xmlsec1, default namespaces": ("xmlsec1", Style(assertion="", protocol="", key_info=False)),
    "xmlsec1, PrefixList": ("xmlsec1", Style(prefix_list=("xs",), typed_values=True)),
    "xmlsec1, PrefixList, both signed": (
        "xmlsec1",
        Style(prefix_list=("xs", "xsi", "#default"), typed_values=True, sign_response=True),
    ),
    "xmlsec1, ECDSA P-256": ("xmlsec1-elliptic", Style(algorithm=ECDSA)),
    "pysaml2, assertion signed": ("pysaml2", Style()),
    "pysaml2, both signed": ("pysaml2", Style(sign_response=True)),
    "pysaml2, RSA-SHA512": ("pysaml2", Style(**RSA_512)),
}


@pytest.mark.parametrize("variation", VARIATIONS)
def test_assume_role_with_saml(broker, idps, variation):
    """The response becomes credentials, and the answer says what the assertion said."""
    name, style = VARIATIONS[variation]
    idp = idps[name]
    answer = with_saml(broker, idp, DEPLOY, idp.response(style))
    assert answer["Issuer"] == idp.entity_id
    assert answer["Subject"] == "ann"
    assert answer["SubjectType"] == "persistent"
    assert answer["Audience"] == broker.acs(name)
    assert answer["SourceIdentity"] == "ann"
    session = answer["AssumedRoleUser"]["Arn"]
    assert session == "arn:aws:sts::111122223333:assumed-role/Deploy/ann@example.com"
    assert sts(broker, answer["Credentials"]).get_caller_identity()["Arn"] == session


@pytest.mark.parametrize("variation", VARIATIONS)
def test_browser_sign_in(broker, idps, variation):
    """SP-initiated: login, the provider's answer, the role picker, the console."""
    name, style = VARIATIONS[variation]
    idp, browser = idps[name], Browser(broker)
    asked = browser.get(f"/saml/{name}/login")
    assert asked.status_code == 303
    request_id = idp.request_id(asked.headers["Location"])
    form = {"SAMLResponse": idp.response(style, in_response_to=request_id), "RelayState": ""}
    picker = browser.post(f"/saml/{name}/acs", **form)
    assert picker.status_code == 200, picker.text
    offered = re.findall(r'name="roleIndex" value="([^"]+)"', picker.text)
    assert sorted(offered) == sorted([DEPLOY, READ_ONLY, CLOSED])
    signed_in = browser.post(f"/saml/{name}/acs", roleIndex=READ_ONLY, **form)
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, f"{broker.url}/console")
    console = browser.get("/console")
    assert console.status_code == 200
    assert "assumed-role/ReadOnly/ann@example.com" in console.text


AWKWARD = ["O'Neil & <Söhne> \"GmbH\"", "]]>", "two\nlines\tand a tab", "日本語 😀", " blank ", "\u00a0\u2028", "a&amp;b"]


@pytest.mark.parametrize("name", ["signxml", "xmlsec1"])
@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_text(broker, idps, name, text):
    """What has to be escaped, kept or not touched is canonicalized as others do it."""
    idp = idps[name]
    attributes = EVERYONE | {"groups": ["platform", text], "title": [text, text]}
    for style in Style(), Style(sign_response=True, typed_values=True):
        assert with_saml(broker, idp, DEPLOY, idp.response(style, attributes=attributes))["Subject"] == "ann"


def test_base64_with_carriage_returns(broker, idp):
    """Some products wrap base64 with CR LF, and write the CR as a character reference."""

    def wrap(xml):
        return re.sub(rb"(<ds:(SignatureValue|X509Certificate)>[^<]{30})", rb"\1&#13;\n", xml)

    assert with_saml(broker, idp, DEPLOY, idp.response(tamper=wrap))["Subject"] == "ann"
    encoded = idp.response()
    wrapped = "\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
    assert with_saml(broker, idp, DEPLOY, wrapped)["Subject"] == "ann"


def test_idp_initiated_at_the_common_address(broker, idp):
    """Nobody asked: the provider is found by the assertion's issuer at `/saml`."""
    browser = Browser(broker)
    picker = browser.post("/saml", SAMLResponse=idp.response(recipient=f"{broker.url}/saml"))
    assert picker.status_code == 200, picker.text
    assert f'value="{DEPLOY}"' in picker.text


def replaced(old, new):
    """Changes the XML after it was signed."""

    def change(xml):
        assert old in xml, xml
        return xml.replace(old, new)

    return change


REFUSALS = {
    "a subject changed after signing": (
        dict(tamper=replaced(b">ann</", b">eve</")),
        ("InvalidIdentityToken", "Response signature invalid", 400),
    ),
    "a group added after signing": (
        dict(tamper=replaced(b">everyone</", b">auditors</")),
        ("InvalidIdentityToken", "Response signature invalid", 400),
    ),
    "expired": (
        dict(issued=-900, not_before=-900, ends=-300),
        ("ExpiredTokenException", "Response has expired", 400),
    ),
    "a session that is over": (
        dict(session_ends=-300),
        ("ExpiredTokenException", "Response has expired", 400),
    ),
    "not valid yet": (
        dict(not_before=3600, ends=7200),
        ("InvalidIdentityToken", "Response is not yet valid", 400),
    ),
    "another audience": (
        dict(audience="https://other.example/saml"),
        ("InvalidIdentityToken", "Response does not contain the required audience.", 400),
    ),
    "another recipient": (
        dict(recipient="https://other.example/acs"),
        ("InvalidIdentityToken", "Response does not contain the required audience.", 400),
    ),
    "another issuer": (
        dict(issuer="https://other.idp.example/saml"),
        ("InvalidIdentityToken", "Issuer not present in specified provider", 400),
    ),
    "nothing signed": (
        dict(style=Style(sign_assertion=False)),
        ("InvalidIdentityToken", UNSIGNED_ASSERTION, 400),
    ),
    "the response alone signed": (
        dict(style=Style(sign_assertion=False, sign_response=True)),
        ("InvalidIdentityToken", UNSIGNED_ASSERTION, 400),
    ),
    "RSA-SHA1": (
        dict(style=Style(algorithm=SignatureMethod.RSA_SHA1)),
        ("InvalidIdentityToken", "Response signature invalid", 400),
    ),
    "a SHA-1 digest": (
        dict(style=Style(digest=DigestAlgorithm.SHA1)),
        ("InvalidIdentityToken", "Response signature invalid", 400),
    ),
    "a person without that role": (
        dict(attributes=EVERYONE | {"groups": ["everyone"]}),
        ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", 403),
    ),
    "a comment in the subject": (
        dict(tamper=replaced(b">ann</", b">ann<!-- -->.evil</")),
        ("InvalidIdentityToken", "Invalid base64 SAMLResponse", 400),
    ),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_refused(broker, idp, reason):
    """At the API with AWS's code, and at the browser's ACS with a page that opens no console."""
    faulty, expected = REFUSALS[reason]
    assert with_saml(broker, idp, DEPLOY, idp.response())["Subject"] == "ann"
    assert refusal(with_saml, broker, idp, DEPLOY, idp.response(**faulty)) == expected
    browser = Browser(broker)
    page = browser.post("/saml/signxml/acs", SAMLResponse=idp.response(**faulty))
    assert page.status_code == (403 if expected[2] == 403 else 400)
    assert "Request id" in page.text and not browser.session.cookies


def test_refused_replay(broker, idp):
    """One response is good once for a role; the browser's ACS does not take it afterwards."""
    response = idp.response()
    again = ("InvalidIdentityToken", "Response has already been used", 400)
    assert with_saml(broker, idp, DEPLOY, response)["Subject"] == "ann"
    assert refusal(with_saml, broker, idp, DEPLOY, response) == again
    assert with_saml(broker, idp, READ_ONLY, response)["Subject"] == "ann"
    page = Browser(broker).post("/saml/signxml/acs", SAMLResponse=response, roleIndex=DEPLOY)
    assert (page.status_code, "used already" in page.text) == (400, True)
    # The other way round: what opened a console buys no credentials.
    response = idp.response()
    opened = Browser(broker).post("/saml/signxml/acs", SAMLResponse=response, roleIndex=DEPLOY)
    assert opened.status_code == 303
    assert refusal(with_saml, broker, idp, READ_ONLY, response) == again


def test_refused_replay_at_the_same_time(broker, idp):
    """Of sixteen that come with one response at once, one gets in."""
    response = idp.response()

    def attempt(_):
        try:
            return with_saml(broker, idp, DEPLOY, response)["Subject"]
        except ClientError as error:
            return error.response["Error"]["Message"]

    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(attempt, range(16)))
    assert outcomes == {"ann": 1, "Response has already been used": 15}


def test_refused_in_another_browser(broker, idp):
    """The answer to a login is good in the browser that asked, and in no other."""
    asker, thief = Browser(broker), Browser(broker)
    request_id = idp.request_id(asker.get("/saml/signxml/login").headers["Location"])
    form = dict(SAMLResponse=idp.response(in_response_to=request_id), roleIndex=DEPLOY)
    thief.get("/saml/signxml/login")
    for browser in thief, Browser(broker):
        page = browser.post("/saml/signxml/acs", **form)
        assert page.status_code == 400
        assert "<h1>This sign-in did not start here</h1>" in page.text
        assert "rolegate-console" not in browser.session.cookies
    assert asker.post("/saml/signxml/acs", **form).status_code == 303


def test_two_tabs(broker, idp):
    """Each tab's login has a cookie of its own: answers may come in any order, each once."""
    browser = Browser(broker)
    tabs = [browser.get("/saml/signxml/login").headers["Location"] for _ in range(2)]
    for location in reversed(tabs):
        relay_state = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)["RelayState"][0]
        answer = idp.response(in_response_to=idp.request_id(location))
        form = dict(SAMLResponse=answer, RelayState=relay_state, roleIndex=DEPLOY)
        other = dict(form, RelayState="00000000")
        assert browser.post("/saml/signxml/acs", **other).status_code == 400
        assert browser.post("/saml/signxml/acs", **form).status_code == 303
        assert browser.post("/saml/signxml/acs", **form).status_code == 400


def test_refused_other_identity_provider(broker, idps, folder):
    """A provider's word counts under its own name only, and a stranger's not at all."""
    other = idps["xmlsec1"]
    honest = other.response()
    assert refusal(with_saml, broker, idps["signxml"], DEPLOY, honest) == (
        "InvalidIdentityToken",
        "Issuer not present in specified provider",
        400,
    )
    assert with_saml(broker, other, DEPLOY, honest)["Subject"] == "ann"
    stranger = PlainIdp("stranger", folder)
    stranger.broker, stranger.name, stranger.entity_id = broker, "signxml", idps["signxml"].entity_id
    assert refusal(with_saml, broker, stranger, DEPLOY, stranger.response()) == (
        "InvalidIdentityToken",
        "Response signature invalid",
        400,
    )


def test_refused_wrapped_assertion(broker, idp):
    """A forged assertion in front of the signed one (signature wrapping) is not read."""

    def wrap(xml):
        response = etree.fromstring(xml)
        honest = response.find("{*}Assertion")
        forged = etree.fromstring(etree.tostring(honest).replace(b">ann</", b">eve</"))
        forged.remove(forged.find("{*}Signature"))
        forged.set("ID", "_forged")
        honest.addprevious(forged)
        return etree.tostring(response)

    code, _, status = refusal(with_saml, broker, idp, DEPLOY, idp.response(tamper=wrap))
    assert (code, status) == ("InvalidIdentityToken", 400)
    assert with_saml(broker, idp, DEPLOY, idp.response())["Subject"] == "ann"


def test_refused_by_the_trust_policy(broker, idp):
    """The rules offer this role, and its trust policy does not trust the provider."""
    denied = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", 403)
    assert refusal(with_saml, broker, idp, CLOSED, idp.response()) == denied
    assert refusal(with_saml, broker, idp, DEPLOY + "Typo", idp.response()) == denied


def test_refused_unreadable(broker, idp):
    """What is no response at all."""
    unreadable = ("InvalidIdentityToken", "Invalid base64 SAMLResponse", 400)
    for rubbish in "****", base64.b64encode(b"<samlp:Response").decode(), base64.b64encode(b"<a/>").decode():
        assert refusal(with_saml, broker, idp, DEPLOY, rubbish) == unreadable


def test_pysaml2_understands_our_login_request(broker, idps):
    """pysaml2 loads the broker's SP metadata and parses the AuthnRequest of a login."""
    location = Browser(broker).get("/saml/pysaml2/login").headers["Location"]
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)
    request = idps["pysaml2"].parse(query["SAMLRequest"][0])
    assert request.message.issuer.text == broker.entity_id("pysaml2")
    assert request.message.assertion_consumer_service_url == broker.acs("pysaml2")
