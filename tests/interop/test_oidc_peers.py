"""Whole OpenID Connect issuers, with people who sign in: npm's oidc-provider and Keycloak.

The broker is a client of both, as are applications whose tokens go to the STS API.
"""

import re
import time

import jwt
import pytest

from broker import DEPLOY, READ_ONLY, Broker, eventually
from clients import INVALID, NOT_A_JWT, refusal, sts, with_token
from oidc_provider import OidcProvider
from visitor import Visitor

SECRET = "a secret of the client"
KEYS = "RS256-1", "PS256-1", "ES256-1", "EdDSA-1", "RS512-1", "ES384-1", "ES512-1"
ALLOWED = "RS256", "PS256", "ES256", "ES512", "EdDSA"
# What is allowed where nothing is said.
USUAL = "RS256", "RS512", "ES256", "ES384", "ES512"
# Who signs out. At oidc-provider it is nobody whom the other tests know: an application's tokens name no session
# there, and so those of the same second end with any logout of the person.
LEAVER = {"oidc-provider": "cleo", "keycloak": "ann"}
# Which rule lets its people in; the claims are nested.
WHEN = {
    "oidc-provider": '"platform" in claim.groups && "deployer" in claim.org.roles',
    "keycloak": '"deployer" in claim.realm_access.roles',
}


class World:
    """A broker that two issuers serve, another one that one of them serves, and the applications."""

    def __init__(self, folder, oidc_provider, keycloak):
        self.peers = {"oidc-provider": oidc_provider, "keycloak": keycloak}
        self.broker, self.other = Broker(folder / "broker"), Broker(folder / "other")
        # A client for each algorithm: it is the client that chooses.
        self.applications = {
            algorithm: oidc_provider.application(f"mobile-{algorithm}", id_token_signed_response_alg=algorithm)
            for algorithm in sorted({*ALLOWED, *USUAL})
        }
        self.applications |= {
            "oidc-provider": oidc_provider.application("mobile"),
            "keycloak": keycloak.application("mobile"),
            "stranger": oidc_provider.application("stranger"),
            "keycloak's stranger": keycloak.application("stranger"),
        }
        for name, peer in self.peers.items():
            places = {"signed_out": self.broker.signed_out(name), "backchannel": self.broker.backchannel(name)}
            peer.client("rolegate-peers", self.broker.callback(name), SECRET, **places)
        clients = ["rolegate-peers", "mobile", *(f"mobile-{algorithm}" for algorithm in {*ALLOWED, *USUAL})]
        allowed = f"algorithms = {list(ALLOWED)}"
        self.broker.trust_people("oidc-provider", oidc_provider.url, clients, WHEN["oidc-provider"], allowed)
        self.broker.trust_people("keycloak", keycloak.entity_id, clients, WHEN["keycloak"])
        options = "accept_access_tokens = true"
        self.other.trust_people("oidc-provider", oidc_provider.url, clients, "true", options)
        oidc_provider.up(*KEYS)
        for each in self.broker, self.other:
            each.start()

    def tokens(self, application, **more):
        peer = "keycloak" if application.startswith("keycloak") else "oidc-provider"
        return self.applications[application].tokens(self.peers[peer], **more)


@pytest.fixture(scope="module")
def world(folder, oidc_provider, keycloak):
    world = World(folder, oidc_provider, keycloak)
    yield world
    for each in world.broker, world.other:
        assert each.stop() == 0, each.output


PEERS = pytest.mark.parametrize("name", ["oidc-provider", "keycloak"])


def links(page):
    """Text and address of each link."""
    return dict(re.findall(r'<a [^>]*href="([^"]+)"[^>]*>\s*([^<]+?)\s*<', page.text))


@PEERS
def test_login(world, name):
    """Portal, the issuer's pages, the role picker, the console, the way out."""
    visitor, broker = Visitor(), world.broker
    portal = visitor.open(f"{broker.url}/portal")
    assert links(portal)[f"/oidc/{name}/login?next=portal"] == f"People of {name}"
    login = visitor.open(f"{broker.url}/oidc/{name}/login")
    assert login.url.startswith(world.peers[name].url) and login.asks_for("password")
    picker = world.peers[name].authenticate(login, LEAVER[name])
    assert sorted(picker.form.inputs["roleIndex"].value_options) == sorted([DEPLOY, READ_ONLY])
    console = picker.submit(roleIndex=READ_ONLY)
    assert (console.status, console.url) == (200, f"{broker.url}/console")
    assert f"assumed-role/ReadOnly/{LEAVER[name]}@example.com" in console.text
    asked = console.submit(Action="logout")
    assert asked.url.startswith(world.peers[name].url), asked.text
    out = world.peers[name].sign_out(asked)
    assert out.url.startswith(broker.signed_out(name)), out.text
    assert "You are signed out here and at your identity provider." in out.text
    assert visitor.open(f"{broker.url}/console").url == f"{broker.url}/portal"
    assert visitor.open(f"{broker.url}/oidc/{name}/login").asks_for("password")


@PEERS
def test_sign_out_at_the_issuer(world, name):
    """It tells the broker by a logout token; the session of another browser goes on."""
    peer, console = world.peers[name], f"{world.broker.url}/console"
    visitors = [Visitor(), Visitor()]
    for visitor in visitors:
        picker = peer.authenticate(visitor.open(f"{world.broker.url}/oidc/{name}/login"), LEAVER[name])
        assert picker.submit(roleIndex=DEPLOY).url == console
    peer.sign_out(visitors[0].open(peer.logout_url))
    eventually(lambda: visitors[0].open(console).url != console, "a logout token")
    assert visitors[1].open(console).url == console
    # Tokens tell whole seconds: one of this second without a session's name may be of before.
    ended = int(time.time())
    eventually(lambda: int(time.time()) > ended, "the next second")


@PEERS
def test_who_has_a_session_at_the_issuer_is_not_asked_again(world, name):
    visitor = Visitor()
    login = f"{world.broker.url}/oidc/{name}/login"
    world.peers[name].authenticate(visitor.open(login))
    assert visitor.open(login).asks_for("roleIndex")


def test_login_without_a_role(world):
    """The claims decide, and they are the issuer's."""
    login = Visitor().open(f"{world.broker.url}/oidc/oidc-provider/login")
    page = world.peers["oidc-provider"].authenticate(login, "ben")
    assert (page.status, "No role for you here" in page.text) == (403, True)


def test_login_that_the_person_calls_off(world):
    """The issuer sends the browser back with an error."""
    visitor = Visitor()
    login = visitor.open(f"{world.broker.url}/oidc/oidc-provider/login")
    page = visitor.open(f"{login.url}/abort")
    assert (page.status, "Your identity provider refused the sign-in" in page.text) == (403, True)


def test_login_of_another_browser(world):
    """An answer is good in the browser that asked, even when the issuer made it for this very client."""
    asked = Visitor()
    login = asked.open(f"{world.broker.url}/oidc/oidc-provider/login")
    landed = world.peers["oidc-provider"].authenticate(login)
    page = Visitor().open(landed.url)
    assert (page.status, "This sign-in did not start here" in page.text) == (400, True)


@pytest.mark.parametrize("algorithm", ALLOWED)
def test_id_token(world, algorithm):
    """By each algorithm that the provider's entry allows."""
    token = world.tokens(algorithm)["id_token"]
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    answer = with_token(world.broker, DEPLOY, token)
    assert answer["SubjectFromWebIdentityToken"] == "ann"
    assert answer["Audience"] == f"mobile-{algorithm}"
    assert answer["Provider"].endswith(world.peers["oidc-provider"].url.split("://")[1])
    me = sts(world.broker, answer["Credentials"]).get_caller_identity()
    assert me["Arn"] == "arn:aws:sts::111122223333:assumed-role/Deploy/ann@example.com"


@pytest.mark.parametrize("algorithm", sorted({*ALLOWED, *USUAL}))
def test_algorithms_that_are_not_allowed(world, algorithm):
    """The same token is refused here and accepted there, by the entry's algorithms alone."""
    token = world.tokens(algorithm)["id_token"]
    for broker, allowed in (world.broker, ALLOWED), (world.other, USUAL):
        if algorithm in allowed:
            assert with_token(broker, DEPLOY, token)["SubjectFromWebIdentityToken"] == "ann"
        else:
            assert refusal(with_token, broker, DEPLOY, token) == INVALID


def test_access_tokens(world):
    """Neither kind is an ID token; one that can be read is accepted where access tokens are."""
    opaque = world.tokens("oidc-provider")["access_token"]
    assert refusal(with_token, world.broker, DEPLOY, opaque) == NOT_A_JWT
    asked = dict(scope="openid photos", resource="urn:example:photos")
    readable = world.tokens("oidc-provider", **asked)["access_token"]
    assert jwt.get_unverified_header(readable)["typ"] == "at+jwt"
    assert jwt.decode(readable, options={"verify_signature": False})["aud"] == "mobile"
    assert refusal(with_token, world.broker, DEPLOY, readable) == NOT_A_JWT
    assert with_token(world.other, DEPLOY, readable)["Audience"] == "mobile"


def test_keycloak_tokens(world):
    """Of the three that a client is given the ID token is one."""
    given = world.tokens("keycloak")
    answer = with_token(world.broker, READ_ONLY, given["id_token"])
    assert answer["Audience"] == "mobile"
    claims = jwt.decode(given["access_token"], options={"verify_signature": False})
    assert (claims["typ"], claims["azp"], claims["aud"]) == ("Bearer", "mobile", ["mobile", "account"])
    assert refusal(with_token, world.broker, READ_ONLY, given["access_token"]) == NOT_A_JWT
    assert jwt.get_unverified_header(given["refresh_token"])["alg"] == "HS512"
    assert refusal(with_token, world.broker, READ_ONLY, given["refresh_token"]) == INVALID


@pytest.mark.parametrize("application", ["stranger", "keycloak's stranger"])
def test_wrong_client(world, application):
    """A token for somebody else, of the same issuer and person."""
    assert refusal(with_token, world.broker, READ_ONLY, world.tokens(application)["id_token"]) == INVALID


def test_key_rotation(tmp_path):
    """As it is done by the book: both keys published, then the new one alone."""
    issuer, broker = OidcProvider(), Broker(tmp_path)
    mobile = issuer.application("mobile")
    broker.trust_people("staff", issuer.url, ["mobile"], "true")
    issuer.up("RS256-1")
    broker.start()
    token = lambda: mobile.tokens(issuer)["id_token"]
    accepted = lambda token: with_token(broker, DEPLOY, token)["Audience"] == "mobile"
    old = token()
    assert accepted(old)
    issuer.up("RS256-2", "RS256-1")
    new = token()
    assert [jwt.get_unverified_header(each)["kid"] for each in (old, new)] == ["RS256-1", "RS256-2"]
    # Unknown so far; so it is looked up at once.
    assert accepted(new) and accepted(old)
    assert broker.metric("rolegate_oidc_keys", provider="staff") == 2
    assert 'came="RS256-2"' in broker.output
    issuer.up("RS256-2")
    assert accepted(new)
    # A broker that comes up now has never heard of the old one.
    broker.stop()
    broker.start()
    assert accepted(new)
    assert refusal(with_token, broker, DEPLOY, old) == INVALID
    assert broker.stop() == 0, broker.output
    issuer.stop()


def test_keycloak_key_rotation(world, keycloak):
    """A new key, by its administration interface, signs at once."""
    old = world.tokens("keycloak")["id_token"]
    assert with_token(world.broker, READ_ONLY, old)["Audience"] == "mobile"
    with keycloak.another_key():
        new = world.tokens("keycloak")["id_token"]
        assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(old)["kid"]
        assert with_token(world.broker, READ_ONLY, new)["Audience"] == "mobile"
        assert with_token(world.broker, READ_ONLY, old)["Audience"] == "mobile"
