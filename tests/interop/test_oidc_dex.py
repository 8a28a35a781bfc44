"""Dex as the issuer: people who sign in, tokens that one client asks for on behalf of another, and keys that turn by
themselves."""

import re

import jwt
import pytest
import requests

from broker import DEPLOY, READ_ONLY, Broker, eventually
from clients import INVALID, refusal, with_token
from dex import Dex
from visitor import Visitor

SECRET = "a secret of the client"
SCOPES = "openid profile email groups"


class World:
    def __init__(self, folder):
        self.dex, self.broker = Dex(folder), Broker(folder / "broker")
        self.dex.client("rolegate", self.broker.callback("staff"), SECRET)
        # Each of the two apps may ask for tokens that are for the other's service.
        self.mobile = self.dex.application("mobile", trusted=["phone"])
        self.phone = self.dex.application("phone", trusted=["stranger"])
        self.stranger = self.dex.application("stranger")
        clients = ["rolegate", "mobile", "phone"]
        when = '"platform" in claim.groups && claim.email_verified'
        self.broker.trust_people("staff", self.dex.url, clients, when, scopes=["profile", "email", "groups"], secret=SECRET)
        self.dex.up()
        self.broker.start()

    def token(self, application, scopes=SCOPES):
        return application.tokens(self.dex, scope=scopes)["id_token"]


@pytest.fixture(scope="module")
def world(folder):
    world = World(folder)
    yield world
    assert world.broker.stop() == 0, world.broker.output
    world.dex.stop()


def test_login(world):
    """From the portal by way of Dex's form and its consent to a console."""
    visitor, broker = Visitor(), world.broker
    login = visitor.open(f"{broker.url}/oidc/staff/login")
    assert login.url.startswith(world.dex.url) and login.asks_for("password")
    picker = world.dex.authenticate(login)
    console = picker.submit(roleIndex=READ_ONLY)
    assert (console.status, console.url) == (200, f"{broker.url}/console")
    assert "assumed-role/ReadOnly/ann@example.com" in console.text


def test_login_without_a_role(world):
    page = world.dex.authenticate(Visitor().open(f"{world.broker.url}/oidc/staff/login"), "ben")
    assert (page.status, "No role for you here" in page.text) == (403, True)


def test_token(world):
    """Dex names a person by connector and id together, in a form of its own."""
    token = world.token(world.mobile)
    claims = jwt.decode(token, options={"verify_signature": False})
    answer = with_token(world.broker, DEPLOY, token)
    assert answer["Audience"] == claims["aud"] == "mobile"
    assert answer["SubjectFromWebIdentityToken"] == claims["sub"]
    assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/Deploy/ann@example.com")


@pytest.mark.parametrize(
    "asks, expected", [("phone", "phone"), ("stranger", None)], ids=["by a client of ours", "by a stranger"]
)
def test_token_for_another_client(world, asks, expected):
    """It names both in `aud`; what counts is who asked for it, in `azp`."""
    of = {"phone": "mobile", "stranger": "phone"}[asks]
    token = world.token(getattr(world, asks), f"{SCOPES} audience:server:client_id:{of}")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["azp"], set(claims["aud"])) == (asks, {of, asks})
    if expected:
        assert with_token(world.broker, DEPLOY, token)["Audience"] == expected
    else:
        assert refusal(with_token, world.broker, DEPLOY, token) == INVALID


def test_keys_that_turn(world):
    """The next key signs when its time comes; what the one before signed stays good, as long as Dex publishes it."""
    key_of = lambda token: jwt.get_unverified_header(token)["kid"]
    published = lambda: {key["kid"] for key in requests.get(f"{world.dex.url}/keys", timeout=5).json()["keys"]}
    accepted = lambda token: with_token(world.broker, READ_ONLY, token)["Audience"] == "mobile"
    old, before = world.token(world.mobile), published()
    assert accepted(old)
    # Dex looks every half minute whether it is time.
    eventually(lambda: published() - before, "the next key", patience=60)
    new = world.token(world.mobile)
    assert key_of(new) != key_of(old)
    assert {key_of(new), key_of(old)} <= published()
    assert accepted(new) and accepted(old)
    assert re.search(f'came="[^"]*{key_of(new)}', world.broker.output)
