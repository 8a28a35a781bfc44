"""The token endpoint and its neighbours under OAuth client libraries that are not ours: npm's openid-client and
oauth4webapi, Python's Authlib and joserfc. The people and their ID tokens are those of npm's oidc-provider."""

import base64
import json
import re
import time

import pytest
import requests
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidClaimError
from joserfc.jwk import KeySet

from broker import ACCOUNT, DEPLOY, PATIENCE, READ_ONLY, Broker, eventually
from clients import sts
from oauth_client import Authlib, Client, OpenidClient, Refused, refusal
from visitor import Visitor

API, PHOTOS = "https://api.example.com", "https://photos.example.com"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
SAML2 = "urn:ietf:params:oauth:token-type:saml2"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
CREDENTIALS = "urn:rolegate:params:oauth:token-type:aws-credentials"
DURATION = 900

# What one library encodes in an Authorization header, and the other leaves as it is (RFC 6749 section 2.3.1).
SECRET = "a/secret=of:the&web-server!~*()"
PHONE = Client("photo-app")
BASIC = Client("web-server", SECRET, "client_secret_basic")
POST = Client("web-server", SECRET, "client_secret_post")
TELEVISION, SET_TOP = Client("acme-tv"), Client("set-top.box_1", SECRET, "client_secret_basic")
# Each request of it must prove a key.
WALLET = Client("wallet")
# Each proof of it must hold a nonce of ours.
BANK = Client("bank")
SETTINGS = f"""
[[client]]
id = "photo-app"
grants = ["token-exchange", "refresh"]
audiences = ["{API}", "{PHOTOS}"]
[[client]]
id = "web-server"
secret = {{ file = "web-server.secret" }}
grants = ["token-exchange", "refresh"]
audiences = ["{API}"]
introspection = true
[[client]]
id = "acme-tv"
grants = ["device", "refresh"]
audiences = ["{API}"]
providers = ["staff"]
[[client]]
id = "set-top.box_1"
secret = {{ file = "web-server.secret" }}
grants = ["device", "refresh"]
audiences = ["{API}"]
[[client]]
id = "wallet"
grants = ["token-exchange", "refresh", "device"]
audiences = ["{API}", "{PHOTOS}"]
dpop = true
[[client]]
id = "bank"
grants = ["token-exchange", "refresh"]
audiences = ["{API}"]
dpop_nonces = true
"""


class World:
    """A broker, the issuer of its people, an application that Ann signed in to, and the libraries."""

    def __init__(self, folder, oidc_provider, corp):
        self.issuer, self.corp, self.broker = oidc_provider, corp, Broker(folder / "broker")
        corp.broker = self.broker
        self.broker.trust_saml("corp", corp.metadata())
        self.mobile = oidc_provider.application("mobile")
        login, when = "the secret of the broker", '"platform" in claim.groups'
        self.broker.trust_people("staff", oidc_provider.url, ["rolegate", "mobile"], when, secret=login)
        oidc_provider.client("rolegate", self.broker.callback("staff"), login)
        oidc_provider.up("RS256-1")
        secret = self.broker.folder / "web-server.secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        self.broker.settings += SETTINGS
        self.broker.start()
        self.libraries = {each.name: each(self.broker.url) for each in (OpenidClient, Authlib)}
        self.npm = self.libraries["openid-client"]

    def subject(self):
        """What an application has of Ann, as an exchange takes it, and what it asks for."""
        token = self.mobile.tokens(self.issuer)["id_token"]
        asked = {"subject_token": token, "subject_token_type": ID_TOKEN, "role": DEPLOY}
        return asked | {"duration_seconds": str(DURATION)}

    def keys(self):
        return KeySet.import_key_set(requests.get(f"{self.broker.url}/.well-known/jwks.json", timeout=PATIENCE).json())

    def claims(self, token):
        """Those of a token of ours, by joserfc."""
        return jwt.decode(token, self.keys(), algorithms=["ES256"]).claims

    def lasts(self, given):
        """For how long a token was given, which `expires_in` tells, too: in whole seconds that are left."""
        claims = self.claims(given["access_token"])
        length = claims["exp"] - claims["iat"]
        assert claims["exp"] - time.time() - 1 < given["expires_in"] <= length
        return length

    def answer_device(self, begun, answer):
        """What Ann reads who typed the code, signed in and decided."""
        visitor = Visitor()
        asked = visitor.open(begun["verification_uri"]).submit(user_code=begun["user_code"])
        (login,) = re.findall(r'href="(/oidc/staff/login\?user_code=[A-Z-]+)"', asked.text)
        decide = self.issuer.authenticate(visitor.open(self.broker.url + login))
        assert "You are <strong>ann</strong>" in decide.text, decide.text
        return decide.submit(roleIndex=DEPLOY, device=answer).text


@pytest.fixture(scope="module")
def world(folder, oidc_provider, corp):
    world = World(folder, oidc_provider, corp)
    yield world
    for library in world.libraries.values():
        library.stop()
    assert world.broker.stop() == 0, world.broker.output


@pytest.fixture(params=["openid-client", "Authlib"])
def library(world, request):
    return world.libraries[request.param]


CLIENTS = pytest.mark.parametrize("client", [PHONE, BASIC, POST], ids=lambda client: client.method)


def wait(begun):
    """A device that asked just now asks again after the interval."""
    due = time.monotonic() + begun["interval"]
    eventually(lambda: time.monotonic() > due, "the interval")


def said(claims):
    """What the claims say of the person, the role, the client and the service, whenever it was."""
    session = {name: value for name, value in claims["rolegate"].items() if name != "granted_ms"}
    return {name: claims[name] for name in ("iss", "sub", "aud", "client_id")} | session


def wrong(client, secret="b/secret=of:the&web-server!~*()"):
    return Client(client.id, secret, client.method)


def test_metadata(world, monkeypatch):
    """Both read the same document (RFC 8414), each by its own rules."""
    url, npm = world.broker.url, world.npm.call("metadata", PHONE)
    methods = ["client_secret_basic", "client_secret_post", "none"]
    assert npm == world.libraries["Authlib"].server == {
        "issuer": url,
        "token_endpoint": f"{url}/oauth2/token",
        "revocation_endpoint": f"{url}/oauth2/revoke",
        "introspection_endpoint": f"{url}/oauth2/introspect",
        "device_authorization_endpoint": f"{url}/oauth2/device_authorization",
        "jwks_uri": f"{url}/.well-known/jwks.json",
        "response_types_supported": [],
        "grant_types_supported": [
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:device_code",
            "refresh_token",
        ],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods[:2],
        "dpop_signing_alg_values_supported": ["ES256"],
    }
    # Loopback needs no HTTPS here.
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    metadata, faults = AuthorizationServerMetadata(npm), []
    for member in metadata.REGISTRY_KEYS:
        try:
            getattr(metadata, f"validate_{member}")()
        except ValueError as fault:
            faults.append(str(fault))
    # Authlib takes an empty list for none. There is no response type without an authorization endpoint.
    assert faults == ['"response_types_supported" is required']
    with pytest.raises(ValueError, match=faults[0]):
        metadata.validate()


@CLIENTS
def test_exchange_and_refresh(world, library, client):
    """A token for a service (RFC 8693), and its successors; a refresh token that comes again ends them all."""
    asked = world.subject() | {"audience": API}
    given = library.exchange(client, **asked)
    again = library.refresh(client, given["refresh_token"])
    for each in given, again:
        assert (each["issued_token_type"], each["token_type"].lower()) == (ACCESS_TOKEN, "bearer")
        assert world.lasts(each) == DURATION
    assert again["refresh_token"] != given["refresh_token"]
    before, after = world.claims(given["access_token"]), world.claims(again["access_token"])
    assert said(after) == said(before) and after["jti"] != before["jti"]
    newest = library.refresh(client, again["refresh_token"])
    assert refusal(library.refresh, client, again["refresh_token"]) == (400, "invalid_grant")
    assert refusal(library.refresh, client, newest["refresh_token"]) == (400, "invalid_grant")
    assert library.introspect(BASIC, newest["access_token"]) == {"active": False}


def test_saml_response(world, library):
    """A whole one, in base64url, as RFC 8693 writes it, and in base64, as browsers get it; each is good once."""
    asked = {"subject_token_type": SAML2, "role": DEPLOY, "audience": API}
    for encode in lambda xml: base64.urlsafe_b64encode(xml).rstrip(b"="), base64.b64encode:
        response = encode(base64.b64decode(world.corp.response())).decode()
        given = library.exchange(PHONE, subject_token=response, **asked)
        session = world.claims(given["access_token"])["rolegate"]
        assert (session["provider"], session["subject"]) == (world.broker.saml_arn("corp"), "ann")
        assert refusal(library.exchange, PHONE, subject_token=response, **asked) == (400, "invalid_request")


@CLIENTS
def test_refused_exchanges(world, library, client):
    """Each beside the same that is granted."""
    asked = world.subject() | {"audience": API}
    for changes, expected in [
        ({"audience": "https://elsewhere.example.com"}, (400, "invalid_target")),
        ({"audience": None, "resource": f"{API}/"}, (400, "invalid_target")),
        ({"audience": None}, (400, "invalid_request")),
        ({"subject_token": asked["subject_token"][:-4]}, (400, "invalid_request")),
        ({"subject_token_type": ACCESS_TOKEN}, (400, "invalid_request")),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml1"}, (400, "invalid_request")),
        ({"role": f"arn:aws:iam::{ACCOUNT}:role/eng/Nobodys"}, (400, "invalid_request")),
        ({"actor_token": asked["subject_token"], "actor_token_type": ID_TOKEN}, (400, "invalid_request")),
        ({"scope": "photos"}, (400, "invalid_scope")),
        ({"duration_seconds": "899"}, (400, "invalid_request")),
    ]:
        fields = {name: value for name, value in (asked | changes).items() if value is not None}
        assert refusal(library.exchange, client, **fields) == expected, changes
    for fields in asked, world.subject() | {"resource": API}:
        assert world.claims(library.exchange(client, **fields)["access_token"])["aud"] == API


def test_other_grants(world, library):
    """One that is not offered at all, and one that is not this client's."""
    asked = world.subject() | {"audience": API}
    assert refusal(library.client_credentials, BASIC) == (400, "unsupported_grant_type")
    assert refusal(library.exchange, TELEVISION, **asked) == (400, "unauthorized_client")
    assert world.lasts(library.exchange(BASIC, **asked)) == DURATION


@pytest.mark.parametrize("client", [BASIC, POST], ids=lambda client: client.method)
def test_wrong_secret(world, library, client):
    asked = world.subject() | {"audience": API}
    for stranger in wrong(client), Client("nobody", SECRET, client.method):
        assert refusal(library.exchange, stranger, **asked) == (401, "invalid_client")
        assert refusal(library.introspect, stranger, "a token") == (401, "invalid_client")
        assert refusal(library.revoke, stranger, "a token") == (401, "invalid_client")
    with pytest.raises(Refused) as refused:
        world.npm.exchange(wrong(client), **asked)
    assert refused.value.challenges == [{"scheme": "basic", "parameters": {"realm": "rolegate"}}]
    assert refusal(library.exchange, Client(client.id), **asked) == (401, "invalid_client")
    assert refusal(library.exchange, wrong(Client(PHONE.id, method=client.method)), **asked) == (401, "invalid_client")
    assert world.lasts(library.exchange(client, **asked)) == DURATION


@pytest.mark.parametrize("client", [BASIC, POST], ids=lambda client: client.method)
def test_introspection(world, library, client):
    """What RFC 7662 says of a token, and of credentials by their session token."""
    given = library.exchange(PHONE, **world.subject() | {"audience": PHOTOS})
    claims = world.claims(given["access_token"])
    session = {
        "role": DEPLOY,
        "role_session_name": "ann@example.com",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/ann@example.com",
        "tags": {},
        "provider": claims["rolegate"]["provider"],
        "subject": "ann",
        "source_identity": "ann",
    }
    told = {name: claims[name] for name in ("iss", "sub", "aud", "client_id", "iat", "exp", "jti")}
    assert library.introspect(client, given["access_token"]) == told | {
        "active": True,
        "token_type": "Bearer",
        "rolegate": session,
    }
    keys = library.exchange(PHONE, **world.subject() | {"requested_token_type": CREDENTIALS})
    said = library.introspect(client, keys["credentials"]["SessionToken"])
    assert (said["active"], said["token_type"], said["sub"]) == (True, CREDENTIALS, claims["sub"])
    assert said["exp"] - said["iat"] == DURATION
    assert said["rolegate"] == session | {"access_key_id": keys["credentials"]["AccessKeyId"]}
    assert library.introspect(client, "no token of ours") == {"active": False}
    assert refusal(library.introspect, TELEVISION, given["access_token"]) == (400, "unauthorized_client")


@CLIENTS
def test_revocation(world, library, client):
    """By either token all of its exchange is over, and nothing else is (RFC 7009)."""
    first, second, bystander = (library.exchange(client, **world.subject() | {"audience": API}) for _ in range(3))
    active = lambda given: library.introspect(BASIC, given["access_token"])["active"]
    for token in first["refresh_token"], first["access_token"]:
        assert refusal(library.revoke, TELEVISION, token) == (400, "invalid_grant")
    assert [active(each) for each in (first, second, bystander)] == [True, True, True]
    assert library.revoke(client, first["refresh_token"]) is None
    assert library.revoke(client, second["access_token"]) is None
    assert [active(each) for each in (first, second, bystander)] == [False, False, True]
    for each in first, second:
        assert refusal(library.refresh, client, each["refresh_token"]) == (400, "invalid_grant")
    # Again, and what nobody ever was given: nothing is left to do.
    assert library.revoke(client, first["refresh_token"]) is None
    assert library.revoke(client, "no token of ours") is None
    keys = library.exchange(client, **world.subject() | {"requested_token_type": CREDENTIALS})
    session_token = keys["credentials"]["SessionToken"]
    assert refusal(library.revoke, client, session_token) == (400, "unsupported_token_type")
    assert world.lasts(library.refresh(client, bystander["refresh_token"])) == DURATION


def test_credentials(world, library):
    """An exchange gives them with `token_type=N_A`, and boto3 signs with them."""
    given = library.exchange(BASIC, **world.subject() | {"requested_token_type": CREDENTIALS})
    assert (given["issued_token_type"], given["token_type"].lower()) == (CREDENTIALS, "n_a")
    assert given["access_token"] == given["credentials"]["SessionToken"]
    me = sts(world.broker, given["credentials"]).get_caller_identity()["Arn"]
    assert me == f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/ann@example.com"


def test_refreshed_credentials(world):
    """Authlib takes them as it comes. openid-client knows `N_A` from exchanges alone; oauth4webapi can be told."""
    fresh = lambda: world.npm.exchange(BASIC, **world.subject() | {"requested_token_type": CREDENTIALS})
    refreshed = [
        world.libraries["Authlib"].refresh(BASIC, fresh()["refresh_token"]),
        world.npm.call("refreshCredentials", BASIC, token=fresh()["refresh_token"]),
    ]
    for each in refreshed:
        assert (each["issued_token_type"], each["token_type"].lower()) == (CREDENTIALS, "n_a")
        assert sts(world.broker, each["credentials"]).get_caller_identity()["Account"] == ACCOUNT
    assert refusal(world.npm.refresh, BASIC, fresh()["refresh_token"]) == "OAUTH_UNSUPPORTED_OPERATION"


@pytest.mark.parametrize("client", [TELEVISION, SET_TOP], ids=lambda client: client.method)
def test_device(world, library, client):
    """RFC 8628 poll by poll: nobody answered, approved, used."""
    begun = library.begin(client, audience=API, duration_seconds=str(DURATION))
    assert begun["verification_uri"] == f"{world.broker.url}/device"
    assert begun["verification_uri_complete"] == f"{begun['verification_uri']}?user_code={begun['user_code']}"
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert refusal(library.poll, client, begun) == (400, "authorization_pending")
    assert "The device is signed in" in world.answer_device(begun, "approve")
    wait(begun)
    given = library.poll(client, begun)
    assert (given["token_type"].lower(), world.lasts(given)) == ("bearer", DURATION)
    claims = world.claims(given["access_token"])
    assert (claims["aud"], claims["client_id"]) == (API, client.id)
    assert (claims["rolegate"]["role"], claims["rolegate"]["subject"]) == (DEPLOY, "ann")
    again = library.refresh(client, given["refresh_token"])
    assert said(world.claims(again["access_token"])) == said(claims)
    assert refusal(library.refresh, client, given["refresh_token"]) == (400, "invalid_grant")
    wait(begun)
    assert refusal(library.poll, client, begun) == (400, "invalid_grant")


def test_device_that_asks_too_fast(world, library):
    begun = library.begin(TELEVISION, audience=API)
    assert refusal(library.poll, TELEVISION, begun) == (400, "authorization_pending")
    assert refusal(library.poll, TELEVISION, begun) == (400, "slow_down")


def test_denied_device(world, library):
    begun = library.begin(TELEVISION, audience=API)
    assert "The device was denied" in world.answer_device(begun, "deny")
    assert refusal(library.poll, TELEVISION, begun) == (400, "access_denied")


def test_refused_devices(world, library):
    begun = library.begin(TELEVISION, audience=API)
    assert refusal(library.poll, SET_TOP, begun) == (400, "invalid_grant")
    assert refusal(library.poll, PHONE, begun) == (400, "unauthorized_client")
    assert refusal(library.poll, TELEVISION, begun | {"device_code": "another"}) == (400, "invalid_grant")
    assert refusal(library.begin, PHONE, audience=API) == (400, "unauthorized_client")
    assert refusal(library.begin, TELEVISION, audience=PHOTOS) == (400, "invalid_target")
    assert refusal(library.begin, wrong(SET_TOP), audience=API) == (401, "invalid_client")
    assert refusal(library.poll, TELEVISION, begun) == (400, "authorization_pending")


def test_device_credentials(world, library):
    begun = library.begin(TELEVISION, requested_token_type=CREDENTIALS, role=DEPLOY)
    world.answer_device(begun, "approve")
    given = library.poll(TELEVISION, begun)
    assert (given["issued_token_type"], given["token_type"].lower()) == (CREDENTIALS, "n_a")
    me = sts(world.broker, given["credentials"]).get_caller_identity()["Arn"]
    assert me == f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/ann@example.com"


def test_device_credentials_by_openid_client(world):
    """Its polling takes no `N_A`, which oauth4webapi can be told of as above."""
    begun = world.npm.begin(TELEVISION, requested_token_type=CREDENTIALS)
    world.answer_device(begun, "approve")
    assert refusal(world.npm.call, "collect", TELEVISION, begun=begun) == "OAUTH_UNSUPPORTED_OPERATION"


def test_the_librarys_own_polling(world):
    """openid-client waits, asks, hears that nobody answered, and waits again; so it needs somebody else to approve."""
    begun = world.npm.begin(WALLET, audience=API)
    collecting = world.npm.start("collect", WALLET, begun=begun, key="ES256-ours")
    heard = lambda: world.npm.call("answers", WALLET)
    pending = lambda: heard()[-1] == "authorization_pending"
    before = len(heard())
    eventually(pending, "the first poll")
    world.answer_device(begun, "approve")
    given = world.npm.answer(collecting)
    assert set(heard()[before:-1]) == {"authorization_pending"} and heard()[-1] == "ok"
    assert given["token_type"] == "dpop"
    presented = world.npm.call("present", WALLET, token=given["access_token"], audience=API, key="ES256-ours")
    assert presented["rolegate"]["role"] == DEPLOY


def test_keys(world):
    """Tokens that are bound to a key (RFC 9449): the service and the token endpoint take them from its holder."""
    npm, ours, thiefs = world.npm, "ES256-ours", "ES256-thief's"
    asked = world.subject() | {"audience": API}
    refused = (400, "invalid_dpop_proof")
    assert refusal(npm.exchange, WALLET, **asked) == refused
    assert refusal(npm.exchange, WALLET, key="PS256-ours", **asked) == refused
    given = npm.exchange(WALLET, key=ours, **asked)
    assert (given["token_type"], world.lasts(given)) == ("dpop", DURATION)
    present = lambda token, key: npm.call("present", WALLET, token=token, audience=API, key=key)
    claims = present(given["access_token"], ours)
    assert claims == world.claims(given["access_token"]) and list(claims["cnf"]) == ["jkt"]
    assert refusal(present, given["access_token"], thiefs) == "OAUTH_JWT_CLAIM_COMPARISON_FAILED"
    assert refusal(present, given["access_token"], None) == "OAUTH_INVALID_RESPONSE"
    told = npm.introspect(BASIC, given["access_token"])
    assert (told["token_type"], told["cnf"]) == ("DPoP", claims["cnf"])

    assert refusal(npm.refresh, WALLET, given["refresh_token"]) == refused
    assert refusal(npm.refresh, WALLET, given["refresh_token"], thiefs) == (400, "invalid_grant")
    again = npm.refresh(WALLET, given["refresh_token"], ours)
    assert again["token_type"] == "dpop"
    assert present(again["access_token"], ours)["cnf"] == claims["cnf"]
    assert refusal(npm.refresh, WALLET, given["refresh_token"], ours) == (400, "invalid_grant")

    further = {"subject_token_type": ACCESS_TOKEN, "audience": PHOTOS}
    given = npm.exchange(WALLET, key=ours, **world.subject() | {"audience": API})
    further |= {"subject_token": given["access_token"]}
    assert refusal(npm.exchange, WALLET, key=thiefs, **further) == (400, "invalid_request")
    narrower = npm.exchange(WALLET, key=ours, **further)
    seen = npm.call("present", WALLET, token=narrower["access_token"], audience=PHOTOS, key=ours)
    assert (seen["aud"], seen["cnf"]) == (PHOTOS, claims["cnf"])


def test_nonces(world):
    """openid-client hears that a nonce is wanted, and asks again with it by itself; from then on it has the next one."""
    npm, ours = world.npm, "ES256-bank's"
    given = npm.exchange(BANK, key=ours, **world.subject() | {"audience": API})
    assert npm.call("answers", BANK) == ["use_dpop_nonce", "ok"]
    assert (given["token_type"], world.lasts(given)) == ("dpop", DURATION)
    assert npm.refresh(BANK, given["refresh_token"], ours)["token_type"] == "dpop"
    assert npm.call("answers", BANK)[-1] == "ok"


def test_a_key_that_nobody_demands(world):
    """A client that need not prove one may, and then it must."""
    npm, ours = world.npm, "ES256-ours"
    given = npm.exchange(PHONE, key=ours, **world.subject() | {"audience": API})
    assert given["token_type"] == "dpop"
    assert refusal(npm.refresh, PHONE, given["refresh_token"]) == (400, "invalid_grant")
    assert npm.refresh(PHONE, given["refresh_token"], ours)["token_type"] == "dpop"


def test_bound_device(world):
    """The key is proved when the device collects."""
    npm = world.npm
    begun = npm.begin(WALLET, audience=API)
    world.answer_device(begun, "approve")
    assert refusal(npm.poll, WALLET, begun) == (400, "invalid_dpop_proof")
    wait(begun)
    given = npm.poll(WALLET, begun, "ES256-ours")
    assert given["token_type"] == "dpop"
    assert refusal(npm.refresh, WALLET, given["refresh_token"], "ES256-thief's") == (400, "invalid_grant")
    assert npm.refresh(WALLET, given["refresh_token"], "ES256-ours")["token_type"] == "dpop"


class Service(JWTBearerTokenValidator):
    """A service that takes tokens of the broker, as Authlib's documentation has it."""

    def __init__(self, world, audience, issuer=None):
        super().__init__(issuer or world.broker.url, audience)
        self.world = world

    def get_jwks(self):
        return self.world.keys()

    def takes(self, token):
        claims = self.authenticate_token(token)
        self.validate_token(claims, [], None)
        return dict(claims)


def test_tokens(world):
    """RFC 9068, by joserfc, by Authlib and by oauth4webapi; each takes it for the service that it is for."""
    began = int(time.time())
    given = world.npm.exchange(PHONE, **world.subject() | {"audience": API})
    token = jwt.decode(given["access_token"], world.keys(), algorithms=["ES256"])
    claims = token.claims
    (key,) = world.keys().keys
    assert token.header == {"typ": "at+jwt", "alg": "ES256", "kid": key.kid}
    host = world.issuer.url.split("://")[1]
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
    known = {"iss": world.broker.url, "aud": API, "client_id": "photo-app"}
    assert {name: claims[name] for name in known} == known
    assert sorted(claims) == ["aud", "client_id", "exp", "iat", "iss", "jti", "rolegate", "sub"]
    assert began <= claims["iat"] <= time.time() and claims["exp"] - claims["iat"] == DURATION
    session = {"role": DEPLOY, "role_session_name": "ann@example.com", "provider": provider}
    session |= {"subject": "ann", "source_identity": "ann"}
    assert {name: claims["rolegate"].get(name) for name in session} == session
    # The person is one, whatever the role and the service; and nobody else.
    other = world.npm.exchange(PHONE, **world.subject() | {"audience": PHOTOS, "role": READ_ONLY})
    others = world.claims(other["access_token"])
    assert (others["sub"], others["aud"], others["rolegate"]["role"]) == (claims["sub"], PHOTOS, READ_ONLY)
    assert others["jti"] != claims["jti"]

    checks = lambda **changes: jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": world.broker.url},
        aud={"essential": True, "value": API},
        exp={"essential": True},
        **changes,
    )
    checks().validate(claims)
    with pytest.raises(InvalidClaimError, match="aud"):
        checks().validate(others)
    with pytest.raises(ExpiredTokenError):
        checks(now=claims["exp"] + 1).validate(claims)
    assert Service(world, API).takes(given["access_token"]) == claims
    present = lambda token, audience: world.npm.call("present", PHONE, token=token, audience=audience)
    assert present(given["access_token"], API) == claims
    for service in Service(world, PHOTOS), Service(world, API, issuer="https://elsewhere.example.com"):
        with pytest.raises(InvalidTokenError):
            service.takes(given["access_token"])
    assert refusal(present, given["access_token"], PHOTOS) == "OAUTH_JWT_CLAIM_COMPARISON_FAILED"

    header, payload, signature = given["access_token"].split(".")
    claims["rolegate"]["role"] = READ_ONLY
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    forgery = ".".join([header, forged, signature])
    with pytest.raises(BadSignatureError):
        world.claims(forgery)
    with pytest.raises(InvalidTokenError):
        Service(world, API).takes(forgery)
    assert refusal(present, forgery, API) == "OAUTH_INVALID_RESPONSE"
    further = dict(subject_token_type=ACCESS_TOKEN, audience=PHOTOS)
    assert refusal(world.npm.exchange, PHONE, subject_token=forgery, **further) == (400, "invalid_request")
    narrower = world.npm.exchange(PHONE, subject_token=given["access_token"], **further)
    assert world.claims(narrower["access_token"])["aud"] == PHOTOS
