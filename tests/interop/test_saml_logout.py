"""Single logout with pysaml2 as the identity provider, both ways and by both bindings.

pysaml2 writes and signs its own LogoutRequests and LogoutResponses, and verifies ours with what
our metadata says; the xmlsec1 command verifies the enveloped ones. Credentials are tried by boto3.
Each refusal has its honest twin.
"""

import base64
import urllib.parse
import zlib

import pytest
from lxml import etree
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, saml, samlp
from saml2.sigver import verify_redirect_signature
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

import keys
from broker import DEPLOY, READ_ONLY, Broker
from clients import Browser, refusal, sts, with_saml
from idp import SAMLP, Style, response_xml, xmlsec1_verifies
from pysaml2_idp import Pysaml2Idp

EXPIRED = ("ExpiredToken", 403)
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BINDINGS = {"redirect": BINDING_HTTP_REDIRECT, "post": BINDING_HTTP_POST}


class LogoutIdp(Pysaml2Idp):
    """pysaml2 with a logout service that speaks one binding."""

    def __init__(self, name, folder):
        super().__init__(name, folder)
        self.binding = BINDINGS.get(name, BINDING_HTTP_REDIRECT)
        self.slo = f"https://{name}.idp.example/slo"

    def config(self, **more):
        config = super().config(**more)
        endpoints = config.getattr("endpoints", "idp") | {"single_logout_service": [(self.slo, self.binding)]}
        config.setattr("idp", "endpoints", endpoints)
        return config

    def broker_slo(self):
        return f"{self.broker.url}/saml/{self.name}/slo"

    def session(self, subject="ann"):
        """A response about somebody, and the SessionIndex in it."""
        response = self.response(subject=subject)
        statement = etree.fromstring(base64.b64decode(response)).find(f".//{{{saml.NAMESPACE}}}AuthnStatement")
        return response, statement.get("SessionIndex")

    def logout(self, subject, indexes=None, destination=None):
        """A LogoutRequest, not signed yet, and its id."""
        request_id, request = self.idp().create_logout_request(
            destination or self.broker_slo(),
            self.broker.entity_id(self.name),
            name_id=name_id(subject),
            session_indexes=indexes,
            sign=False,
        )
        return request_id, request

    def by_redirect(self, message, kind="SAMLRequest", sign=True):
        """The query that takes it along."""
        sent = self.idp().apply_binding(
            BINDING_HTTP_REDIRECT,
            str(message),
            self.broker_slo(),
            "state 1",
            response=kind == "SAMLResponse",
            sign=sign,
            sigalg=SIG_RSA_SHA256,
        )
        return urllib.parse.urlsplit(dict(sent["headers"])["Location"]).query

    def by_post(self, message):
        """The form field, with an enveloped signature."""
        message.signature = None
        server = self.idp()
        signed = server.sign(message, mid=message.id, to_sign=[], sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256)
        return base64.b64encode(str(signed).encode()).decode()


def name_id(subject):
    return saml.NameID(text=subject, format=saml.NAMEID_FORMAT_PERSISTENT)


@pytest.fixture(scope="module")
def ours(folder):
    pair = keys.pair(folder, "sp")
    pair.pem = folder / "sp.pem"
    pair.pem.write_bytes(pair.key.read_bytes() + pair.chain.read_bytes())
    pair.pem.chmod(0o600)
    return pair


@pytest.fixture(scope="module")
def idps(folder):
    return {name: LogoutIdp(name, folder) for name in ("redirect", "post", "other", "keyless")}


@pytest.fixture(scope="module")
def broker(folder, idps, ours):
    broker = Broker(folder / "broker")
    for name, idp in idps.items():
        idp.broker = broker
        options = "" if name == "keyless" else f'keys = [{{ file = "{ours.pem}" }}]'
        broker.trust_saml(name, idp.metadata(), options)
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


def credentials(broker, idp, subject="ann", role=DEPLOY):
    """Credentials of a new login, and its SessionIndex."""
    response, index = idp.session(subject)
    return with_saml(broker, idp, role, response)["Credentials"], index


def state_of(broker, held):
    """`works`, or how the broker refuses them."""
    caller = sts(broker, held).get_caller_identity
    try:
        caller()
    except Exception:
        code, _, status = refusal(caller)
        return code, status
    return "works"


def query_of(answer):
    """Where an answer leads, and the query's values."""
    assert answer.status_code == 303, answer.text
    url = urllib.parse.urlsplit(answer.headers["Location"])
    return f"{url.scheme}://{url.netloc}{url.path}", dict(urllib.parse.parse_qsl(url.query, strict_parsing=True))


def form_of(answer):
    """Action and fields of the page that carries a message."""
    assert answer.status_code == 200, answer.text
    (form,) = etree.HTML(answer.text).iter("form")
    return form.get("action"), {field.get("name"): field.get("value") for field in form.iter("input")}


def inflated(packed):
    return zlib.decompress(base64.b64decode(packed), -zlib.MAX_WBITS)


def heading(answer):
    return etree.HTML(answer.text).findtext(".//h1")


def is_ours(idp, query, ours):
    """Whether pysaml2 finds our signature on the query."""
    return verify_redirect_signature(query, idp.idp().sec.sec_backend, ours.base64)


def test_the_provider_ends_a_session_by_redirect(broker, idps, ours):
    """One session of Ann's, and nothing else; pysaml2 takes our answer."""
    idp = idps["redirect"]
    ended, index = credentials(broker, idp)
    other, _ = credentials(broker, idp)
    bob, _ = credentials(broker, idp, "bob")
    request_id, request = idp.logout("ann", [index])
    browser = Browser(broker)
    place, query = query_of(browser.get(f"/saml/redirect/slo?{idp.by_redirect(request)}"))
    assert place == idp.slo
    assert query["RelayState"] == "state 1"
    assert is_ours(idp, query, ours)
    assert not is_ours(idp, query | {"RelayState": "state 2"}, ours)
    answer = idp.idp().parse_logout_request_response(query["SAMLResponse"], BINDING_HTTP_REDIRECT).response
    assert (answer.in_response_to, answer.status.status_code.value) == (request_id, SUCCESS)
    assert (answer.issuer.text, answer.destination) == (broker.entity_id("redirect"), idp.slo)
    assert state_of(broker, ended) == EXPIRED
    assert [state_of(broker, held) for held in (other, bob)] == ["works", "works"]
    replayed = browser.get(f"/saml/redirect/slo?{idp.by_redirect(request)}")
    assert (replayed.status_code, heading(replayed)) == (400, "This sign-out was done already")


def test_the_provider_ends_everything_by_post(broker, idps, ours, folder):
    """Without a SessionIndex all of Ann's ends; a login afterwards works."""
    idp = idps["post"]
    held = [credentials(broker, idp)[0], credentials(broker, idp, role=READ_ONLY)[0]]
    browser = Browser(broker)
    response, _ = idp.session()
    assert browser.post("/saml/post/acs", SAMLResponse=response, roleIndex=DEPLOY).status_code == 303
    assert browser.get("/console").status_code == 200
    request_id, request = idp.logout("ann")
    form = dict(SAMLRequest=idp.by_post(request), RelayState="<state>")
    action, fields = form_of(Browser(broker).post("/saml/post/slo", **form))
    assert (action, fields["RelayState"]) == (idp.slo, "<state>")
    xml = base64.b64decode(fields["SAMLResponse"])
    assert xmlsec1_verifies(xml, f"{SAMLP}:LogoutResponse", ours, folder)
    answer = idp.idp().parse_logout_request_response(fields["SAMLResponse"], BINDING_HTTP_POST).response
    assert (answer.in_response_to, answer.status.status_code.value) == (request_id, SUCCESS)
    assert [state_of(broker, each) for each in held] == [EXPIRED, EXPIRED]
    assert browser.get("/console").status_code == 303, "the console session as well"
    later = idp.says(subject="ann", issued=2)
    assert state_of(broker, with_saml(broker, idp, DEPLOY, plain(idp, later))["Credentials"]) == "works"


def plain(idp, says):
    """A response of the same provider that is issued a moment later than the logout."""
    return base64.b64encode(etree.tostring(idp.signed(response_xml(says, Style()), Style()))).decode()


def test_a_person_signs_out_at_the_broker(broker, idps, ours):
    """pysaml2 takes our request, and its answer ends at the right page."""
    idp = idps["redirect"]
    response, index = idp.session("cleo")
    browser = Browser(broker)
    assert browser.post("/saml/redirect/acs", SAMLResponse=response, roleIndex=DEPLOY).status_code == 303
    assert browser.get("/console").status_code == 200
    place, query = query_of(browser.post("/federation", Action="logout"))
    assert place == idp.slo
    assert is_ours(idp, query, ours)
    request = idp.idp().parse_logout_request(
        query["SAMLRequest"], BINDING_HTTP_REDIRECT, sigalg=query["SigAlg"], signature=query["Signature"]
    ).message
    assert request.issuer.text == broker.entity_id("redirect")
    assert (request.name_id.text, request.name_id.format) == ("cleo", saml.NAMEID_FORMAT_PERSISTENT)
    assert [each.text for each in request.session_index] == [index]
    assert browser.get("/console").status_code == 303

    answer = idp.idp().create_logout_response(request, [BINDING_HTTP_REDIRECT], sign=False)
    answer.destination = idp.broker_slo()
    path = f"/saml/redirect/slo?{idp.by_redirect(answer, 'SAMLResponse')}"
    assert heading(Browser(broker).get(path)) == "This sign-out did not start here"
    landed = browser.get(path)
    assert (landed.status_code, heading(landed)) == (200, "You are signed out")
    assert "and at your identity provider" in landed.text


def test_a_person_signs_out_by_form(broker, idps, ours, folder):
    idp = idps["post"]
    response, _ = idp.session("dora")
    browser = Browser(broker)
    assert browser.post("/saml/post/acs", SAMLResponse=response, roleIndex=DEPLOY).status_code == 303
    action, fields = form_of(browser.post("/federation", Action="logout"))
    assert action == idp.slo
    assert xmlsec1_verifies(base64.b64decode(fields["SAMLRequest"]), f"{SAMLP}:LogoutRequest", ours, folder)
    request = idp.idp().parse_logout_request(fields["SAMLRequest"], BINDING_HTTP_POST).message
    answer = idp.idp().create_logout_response(
        request,
        [BINDING_HTTP_POST],
        sign=False,
        status=samlp.Status(
            status_code=samlp.StatusCode(
                value=SUCCESS, status_code=samlp.StatusCode(value=samlp.STATUS_PARTIAL_LOGOUT)
            )
        ),
    )
    answer.destination = idp.broker_slo()
    landed = browser.post("/saml/post/slo", SAMLResponse=idp.by_post(answer))
    assert (landed.status_code, heading(landed)) == (200, "You are signed out")
    assert "could not sign you out everywhere" in landed.text


def test_what_nobody_may_end(broker, idps):
    """Unsigned, by another provider, for another service: each is refused, and nothing ends."""
    idp, other = idps["redirect"], idps["other"]
    held, index = credentials(broker, idp)
    browser = Browser(broker)
    refused = "The sign-out was not accepted"
    _, request = idp.logout("ann", [index])
    assert heading(browser.get(f"/saml/redirect/slo?{idp.by_redirect(request, sign=False)}")) == refused
    unsigned = base64.b64encode(str(request).encode()).decode()
    assert heading(browser.post("/saml/redirect/slo", SAMLRequest=unsigned)) == refused
    _, request = other.logout("ann", [index], destination=idp.broker_slo())
    assert heading(browser.get(f"/saml/redirect/slo?{other.by_redirect(request)}")) == refused
    _, request = idp.logout("ann", [index], destination=other.broker_slo())
    assert heading(browser.get(f"/saml/redirect/slo?{idp.by_redirect(request)}")) == refused
    # The other provider ends what its own Ann has.
    _, request = other.logout("ann", [index])
    query_of(browser.get(f"/saml/other/slo?{other.by_redirect(request)}"))
    _, request = idps["keyless"].logout("ann", [index])
    assert heading(browser.get(f"/saml/keyless/slo?{idps['keyless'].by_redirect(request)}")) == "Single logout is not set up"
    assert state_of(broker, held) == "works"
    _, request = idp.logout("ann", [index])
    query_of(browser.get(f"/saml/redirect/slo?{idp.by_redirect(request)}"))
    assert state_of(broker, held) == EXPIRED


def test_a_logout_survives_a_restart(broker, idps):
    idp = idps["redirect"]
    ended, index = credentials(broker, idp)
    kept, _ = credentials(broker, idp)
    _, request = idp.logout("ann", [index])
    query_of(Browser(broker).get(f"/saml/redirect/slo?{idp.by_redirect(request)}"))
    assert broker.stop() == 0
    broker.start()
    assert (state_of(broker, ended), state_of(broker, kept)) == (EXPIRED, "works")
    assert 'action="saml-logout"' in broker.output
