"""Our side of SAML, judged by others: signed login requests and metadata.

pysaml2 is the identity provider that takes signed requests only, and knows the broker by nothing
but its metadata; the xmlsec1 command verifies every enveloped signature. Each refusal has its
honest twin.
"""

import base64
import html
import re
import urllib.parse

import pytest
import requests
from lxml import etree
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.response import IncorrectlySigned
from saml2.server import Server
from saml2.sigver import SignatureError

import keys
from broker import DEPLOY, PATIENCE, Broker
from clients import Browser
from idp import DS, SAML, SAMLP, xmlsec1_verifies
from pysaml2_idp import Pysaml2Idp

MD = "urn:oasis:names:tc:SAML:2.0:metadata"
BOTH = {"redirect": BINDING_HTTP_REDIRECT, "post": BINDING_HTTP_POST}


class DemandingIdp(Pysaml2Idp):
    """pysaml2 as a provider that wants login requests signed, and takes both bindings."""

    services = BOTH.values()

    def config(self, **more):
        config = super().config(**more)
        endpoints = [(f"https://{self.name}.idp.example/{binding[-4:]}", binding) for binding in self.services]
        config.setattr("idp", "endpoints", {"single_sign_on_service": endpoints})
        config.setattr("idp", "want_authn_requests_signed", True)
        return config

    def knowing(self, metadata):
        """The provider, with the broker's metadata as it was at some time."""
        return Server(config=self.config(metadata={"inline": [metadata]}))


@pytest.fixture(scope="module")
def ours(folder):
    """Our keys: the one in use, and the next."""
    pairs = [keys.pair(folder, name) for name in ("sp-one", "sp-two")]
    for pair, name in zip(pairs, ("one", "two")):
        combined = pair.key.read_bytes() + pair.chain.read_bytes()
        pair.pem = folder / f"{name}.pem"
        pair.pem.write_bytes(combined)
        pair.pem.chmod(0o600)
    return pairs


@pytest.fixture(scope="module")
def idps(folder):
    return {name: DemandingIdp(name, folder) for name in ("redirect", "post", "choosy", "rolled", "forms")}


@pytest.fixture(scope="module")
def broker(folder, idps, ours):
    one, two = (f'{{ file = "{pair.pem}" }}' for pair in ours)
    options = {
        "redirect": f"keys = [{one}, {two}]",
        "post": f'keys = [{one}]\nrequest_binding = "post"',
        "choosy": f"""keys = [{one}]
request_binding = "post"
force_authn = true
authn_contexts = ["urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "https://refeds.org/profile/mfa"]
name_id_format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
""",
        "rolled": f"keys = [{two}, {one}]",
        "forms": f"keys = [{one}]",
    }
    idps["forms"].services = [BINDING_HTTP_POST]
    broker = Broker(folder / "broker")
    for name, idp in idps.items():
        idp.broker = broker
        broker.trust_saml(name, idp.metadata(), options[name])
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


def redirected(broker, name):
    """Where a login goes, as pysaml2 takes it: the query's values and where it went."""
    answer = Browser(broker).get(f"/saml/{name}/login")
    assert answer.status_code == 303
    url = urllib.parse.urlsplit(answer.headers["Location"])
    query = dict(urllib.parse.parse_qsl(url.query, strict_parsing=True))
    return query, f"{url.scheme}://{url.netloc}{url.path}"


def form_of(answer):
    """Action and fields of the page that carries a request."""
    assert answer.status_code == 200
    page = etree.HTML(answer.text)
    (form,) = page.iter("form")
    return form.get("action"), {field.get("name"): field.get("value") for field in form.iter("input")}


def parsed(server, query):
    return server.parse_authn_request(
        query["SAMLRequest"],
        BINDING_HTTP_REDIRECT,
        relay_state=query.get("RelayState"),
        sigalg=query.get("SigAlg"),
        signature=query.get("Signature"),
    )


def our_metadata(broker, name, query=""):
    answer = requests.get(broker.entity_id(name) + query, timeout=PATIENCE)
    assert answer.headers["Content-Type"] == "application/samlmetadata+xml"
    return answer.text


def test_a_signed_redirect_is_verified_by_pysaml2(broker, idps):
    """By the certificates of our metadata, over the query's octets."""
    server = idps["redirect"].idp()
    query, place = redirected(broker, "redirect")
    assert place == "https://redirect.idp.example/rect"
    request = parsed(server, query).message
    assert request.issuer.text == broker.entity_id("redirect")
    assert request.assertion_consumer_service_url == broker.acs("redirect")
    assert request.destination == place
    for name, value in {
        "RelayState": "0" * 8,
        "Signature": base64.b64encode(bytes(256)).decode(),
        "SAMLRequest": redirected(broker, "redirect")[0]["SAMLRequest"],
    }.items():
        with pytest.raises(IncorrectlySigned):
            parsed(server, query | {name: value})
    unsigned = {name: query[name] for name in ("SAMLRequest", "RelayState")}
    with pytest.raises(IncorrectlySigned):
        parsed(server, unsigned)


def test_a_request_in_a_form_is_verified_by_xmlsec1_and_pysaml2(broker, idps, ours, folder):
    answer = Browser(broker).get("/saml/post/login")
    action, fields = form_of(answer)
    assert action == "https://post.idp.example/POST"
    assert set(fields) == {"SAMLRequest", "RelayState"}
    xml = base64.b64decode(fields["SAMLRequest"])
    assert xmlsec1_verifies(xml, f"{SAMLP}:AuthnRequest", ours[0], folder)
    assert not xmlsec1_verifies(xml, f"{SAMLP}:AuthnRequest", ours[1], folder)
    changed = xml.replace(b' Version="2.0"', b' ForceAuthn="false" Version="2.0"', 1)
    assert changed != xml
    assert not xmlsec1_verifies(changed, f"{SAMLP}:AuthnRequest", ours[0], folder)
    server = idps["post"].idp()
    request = server.parse_authn_request(fields["SAMLRequest"], BINDING_HTTP_POST).message
    assert request.issuer.text == broker.entity_id("post")
    with pytest.raises(IncorrectlySigned):
        server.parse_authn_request(base64.b64encode(changed).decode(), BINDING_HTTP_POST)


def test_a_form_leads_to_the_console(broker, idps):
    """The whole way: form out, answer back, console."""
    browser = Browser(broker)
    _, fields = form_of(browser.get("/saml/post/login"))
    request_id = etree.fromstring(base64.b64decode(fields["SAMLRequest"])).get("ID")
    answer = idps["post"].response(in_response_to=request_id)
    form = dict(SAMLResponse=answer, RelayState=fields["RelayState"], roleIndex=DEPLOY)
    assert Browser(broker).post("/saml/post/acs", **form).status_code == 400, "another browser's"
    assert browser.post("/saml/post/acs", **form).status_code == 303
    assert "Deploy" in html.unescape(browser.get("/console").text)


def test_a_provider_that_takes_forms_only_gets_a_form(broker):
    action, fields = form_of(Browser(broker).get("/saml/forms/login"))
    assert action == "https://forms.idp.example/POST"
    assert "SAMLRequest" in fields


def test_what_is_asked_for_is_understood(broker, idps, ours, folder):
    """Forced authentication, contexts and a NameID format, signed like everything else."""
    _, fields = form_of(Browser(broker).get("/saml/choosy/login"))
    xml = base64.b64decode(fields["SAMLRequest"])
    assert xmlsec1_verifies(xml, f"{SAMLP}:AuthnRequest", ours[0], folder)
    request = idps["choosy"].idp().parse_authn_request(fields["SAMLRequest"], BINDING_HTTP_POST).message
    assert request.force_authn == "true"
    assert request.requested_authn_context.comparison == "exact"
    contexts = [each.text for each in request.requested_authn_context.authn_context_class_ref]
    assert contexts == ["urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "https://refeds.org/profile/mfa"]
    assert request.name_id_policy.format.endswith(":persistent")
    assert request.name_id_policy.allow_create == "true"


def test_keys_roll_over_without_a_gap(broker, idps):
    """Who knows our metadata from before the change verifies what the next key signs."""
    before = our_metadata(broker, "redirect")
    as_of_now = before.replace("/saml/redirect/", "/saml/rolled/")
    server = idps["rolled"].knowing(as_of_now)
    query, _ = redirected(broker, "rolled")
    assert parsed(server, query).message.issuer.text == broker.entity_id("rolled")
    without_next = re.sub(
        r'<md:KeyDescriptor use="signing">(?:(?!</md:KeyDescriptor>).)*</md:KeyDescriptor>\s*(?=<md:KeyDescriptor use="enc)',
        "",
        as_of_now,
        count=1,
        flags=re.DOTALL,
    )
    assert without_next != as_of_now
    with pytest.raises(IncorrectlySigned):
        parsed(idps["rolled"].knowing(without_next), query)


def test_signed_metadata_is_verified_by_xmlsec1(broker, ours, folder):
    xml = our_metadata(broker, "redirect", "?signed=true").encode()
    assert xmlsec1_verifies(xml, f"{MD}:EntityDescriptor", ours[0], folder)
    assert not xmlsec1_verifies(xml, f"{MD}:EntityDescriptor", ours[1], folder)
    changed = xml.replace(b'index="1"', b'index="2"')
    assert changed != xml
    assert not xmlsec1_verifies(changed, f"{MD}:EntityDescriptor", ours[0], folder)
    root = etree.fromstring(xml)
    assert root[0].tag == f"{{{DS}}}Signature"
    plain = etree.fromstring(our_metadata(broker, "redirect").encode())
    assert plain.find(f"{{{DS}}}Signature") is None


def test_signed_metadata_is_fetched_by_pysaml2(broker, idps, ours):
    """pysaml2 takes metadata with a pinned certificate, and refuses it by another one."""
    url = broker.entity_id("redirect") + "?signed=true"
    known_by = lambda pair: {"remote": [{"url": url, "cert": str(pair.chain)}]}
    server = Server(config=idps["redirect"].config(metadata=known_by(ours[0])))
    query, _ = redirected(broker, "redirect")
    assert parsed(server, query).message.issuer.text == broker.entity_id("redirect")
    consumers = server.metadata.assertion_consumer_service(broker.entity_id("redirect"), BINDING_HTTP_POST)
    assert [each["location"] for each in consumers] == [broker.acs("redirect"), f"{broker.url}/saml"]
    encryption = server.metadata.certs(broker.entity_id("redirect"), "spsso", use="encryption")
    assert ["".join(text.split()) for _, text in encryption] == [pair.base64 for pair in ours]
    with pytest.raises(SignatureError):
        Server(config=idps["redirect"].config(metadata=known_by(ours[1])))


def test_metadata_follows_the_schema(broker):
    """The order of elements that SAML Metadata 2.0 prescribes (2.4.4)."""
    root = etree.fromstring(our_metadata(broker, "redirect").encode())
    (role,) = root
    assert [etree.QName(child).localname for child in role] == (
        ["KeyDescriptor"] * 4 + ["SingleLogoutService"] * 2 + ["NameIDFormat"] + ["AssertionConsumerService"] * 2
    )
    assert {name: role.get(name) for name in ("AuthnRequestsSigned", "WantAssertionsSigned")} == {
        "AuthnRequestsSigned": "true",
        "WantAssertionsSigned": "true",
    }
    assert root.get("cacheDuration") == "P1D"
    assert etree.QName(role.getparent()) == f"{{{MD}}}EntityDescriptor"
    assert f"{{{SAML}}}Assertion" not in our_metadata(broker, "redirect")
