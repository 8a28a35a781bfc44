"""An OpenID Connect issuer that hangs, and one that lies: nothing of it is believed, nobody else
waits, and the broker says what is wrong."""

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from jwt.algorithms import RSAAlgorithm

import keys
from broker import DEPLOY, PATIENCE, Broker, plain_environment
from clients import INVALID, UNREACHABLE, refusal, sts, with_token
from issuer import DISCOVERY, KEYS, Issuer
from visitor import Visitor

PERSON = {"sub": "ann", "email": "ann@example.com"}
LARGEST = 256 * 1024  # bytes of a document
MOST = 100  # keys of a set
CROWD = 32  # tokens at one time
released = threading.Event()


@dataclass
class Lie:
    """What is done to an honest issuer, and what `/readyz` says about it afterwards."""

    tell: object
    reason: str


def saying(reason, **members):
    """Another discovery document."""
    return Lie(lambda issuer: issuer.says.update(members), reason)


def trick(path, answer, reason):
    """Another answer."""
    return Lie(lambda issuer: issuer.tricks.update({path: answer}), reason)


def status(code, body=b"{}", **headers):
    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hang(handler):
    """Nothing comes, and the connection stays."""
    released.wait(PATIENCE)


def drip(handler):
    """A byte now and then, for ever: a time limit on each read would never strike."""
    handler.send_response(200)
    handler.end_headers()
    while not released.wait(0.2):
        try:
            handler.wfile.write(b" ")
        except OSError:
            return


def huge(handler):
    """More than is read, and no length that would say so."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while not released.is_set():
            handler.wfile.write(b" " * LARGEST)
    except OSError:
        return


def crowd(count):
    """That many keys more, none of which is used."""

    def tell(issuer):
        more = ({**issuer.published[0], "kid": f"more-{number}"} for number in range(count))
        issuer.published = [*more, *issuer.published]

    return tell


def padded(size):
    """The same keys, and blanks up to that many bytes."""

    def tell(issuer):
        body = json.dumps({"keys": issuer.published}).encode()
        issuer.tricks[KEYS] = status(200, body.ljust(size))

    return tell


def broken(issuer):
    """One key is as it should be."""
    good = issuer.published[0]
    rsa = RSAAlgorithm.to_jwk(keys.rsa_key().public_key(), as_dict=True)
    point = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    issuer.published = [
        7,
        {},
        rsa | {"kid": 7},
        rsa | {"kid": "short", "n": rsa["n"][:100]},
        rsa | {"kid": "not base64", "n": "!" + rsa["n"]},
        rsa | {"kid": "even", "e": "Ag"},
        rsa | {"kid": "for encryption", "use": "enc"},
        rsa | {"kid": "of another algorithm", "alg": "ES256"},
        {"kid": "secret", "kty": "oct", "k": "c2VjcmV0"},
        {"kid": "off the curve"} | point,
        {"kid": "unknown curve"} | point | {"crv": "P-999"},
        good,
    ]


TIMED_OUT = "operation timed out"
TOO_LARGE = f"more than {LARGEST} bytes"
ELSEWHERE = "which is no public address: set allow_private_addresses if the provider is really there"
LIES = {
    "discovery hangs": trick(DISCOVERY, hang, TIMED_OUT),
    "keys hang": trick(KEYS, hang, TIMED_OUT),
    "discovery drips": trick(DISCOVERY, drip, TIMED_OUT),
    "keys drip": trick(KEYS, drip, TIMED_OUT),
    "discovery is huge": trick(DISCOVERY, huge, f"the discovery document can't be fetched: {TOO_LARGE}"),
    "keys are huge": trick(KEYS, huge, f"the key set can't be fetched: {TOO_LARGE}"),
    "discovery is announced as huge": trick(
        DISCOVERY, status(200, **{"Content-Length": str(LARGEST + 1)}), TOO_LARGE
    ),
    "keys are a byte too large": Lie(padded(LARGEST + 1), f"the key set can't be fetched: {TOO_LARGE}"),
    "keys break off": trick(KEYS, status(200, b'{"keys": [', **{"Content-Length": "100"}), "no answer: "),
    "discovery is elsewhere": trick(DISCOVERY, status(302, Location="/real"), "status 302 Found"),
    "keys are elsewhere": trick(KEYS, status(307, Location="/real"), "status 307 Temporary Redirect"),
    "discovery is missing": trick(DISCOVERY, status(404), "status 404 Not Found"),
    "keys fail": trick(KEYS, status(503), "status 503 Service Unavailable"),
    "discovery is a page": trick(DISCOVERY, status(200, b"<html>"), "the discovery document can't be read: "),
    "keys are a page": trick(
        KEYS, status(200, b"<html>"), "the key set can't be used: not a JSON object with a `keys` array"
    ),
    "another issuer": saying('the discovery document is that of "https://a.example"', issuer="https://a.example"),
    "an issuer with a slash": Lie(
        lambda issuer: issuer.says.update(issuer=issuer.url + "/"), "the discovery document is that of"
    ),
    "keys in a private network": saying(
        f"10.255.255.1 is at 10.255.255.1, {ELSEWHERE}", jwks_uri="https://10.255.255.1/keys"
    ),
    "keys at the cloud's metadata": saying(
        f"169.254.169.254 is at 169.254.169.254, {ELSEWHERE}", jwks_uri="https://169.254.169.254/latest/meta-data"
    ),
    "keys in a private network, mapped": saying(ELSEWHERE, jwks_uri="https://[::ffff:10.255.255.1]/keys"),
    "keys in clear": saying(
        "the discovery document names an endpoint without https: http://keys.example/",
        jwks_uri="http://keys.example/",
    ),
    "keys in a file": saying(
        "the discovery document names an endpoint without https: file:///etc/passwd", jwks_uri="file:///etc/passwd"
    ),
    "codes in clear": saying(
        "the discovery document names an endpoint without https: http://token.example/",
        token_endpoint="http://token.example/",
    ),
    "no keys": Lie(
        lambda issuer: issuer.published.clear(), "the key set can't be used: no usable key (the set is empty)"
    ),
    "101 keys": Lie(crowd(MOST), "the key set can't be used: 101 keys, more than 100"),
}
# What is borne, and how many usable keys that makes.
HONEST = {
    "honest": lambda issuer: None,
    "100 keys": crowd(MOST - 1),
    "broken keys": broken,
    "keys as large as may be": padded(LARGEST),
}
NUMBERS = {"honest": 1, "100 keys": 100, "broken keys": 1, "keys as large as may be": 1}


class World:
    """A broker to which each of them is a provider."""

    def __init__(self, folder):
        self.broker, self.issuers, self.keys = Broker(folder / "broker"), {}, {}
        for title, tell in {**HONEST, **{title: lie.tell for title, lie in LIES.items()}}.items():
            issuer = self.issuers[title] = Issuer()
            self.keys[title] = issuer.add_key("ES256")
            tell(issuer)
            self.broker.trust_people(self.name(title), issuer.url, ["builder"], "true")
        self.client = sts(self.broker.start(), max_pool_connections=len(LIES) + CROWD)

    @staticmethod
    def name(title):
        return title.replace(" ", "-").replace("'", "").replace(",", "")

    def state(self, title):
        return self.broker.dependency(f"provider {self.name(title)}")

    def token(self, title):
        return self.issuers[title].token(self.keys[title], **PERSON)

    def exchange(self, title):
        asked = {"RoleArn": DEPLOY, "RoleSessionName": "job", "WebIdentityToken": self.token(title)}
        return self.client.assume_role_with_web_identity(**asked)

    def refuse(self, title):
        """What a token gets that is genuine but for the issuer's lie."""
        try:
            return refusal(self.exchange, title)
        except AssertionError as accepted:
            return str(accepted)

    def metric(self, name, title, **more):
        return self.broker.metric(name, provider=self.name(title), **more)


@pytest.fixture(scope="module")
def world(folder):
    world = World(folder)
    yield world
    released.set()
    assert world.broker.stop() == 0, world.broker.output
    for issuer in world.issuers.values():
        issuer.die()


def test_nobody_waits_for_others(world):
    """While some hang, a token of an honest issuer is exchanged."""
    hanging = [title for title in LIES if "hang" in title or "drip" in title]
    underway = lambda: {world.state(title)["detail"] for title in hanging}
    assert underway() == {"not fetched yet"}
    assert world.exchange("honest")["Audience"] == "builder"
    assert underway() == {"not fetched yet"}


@pytest.fixture(scope="module")
def refused(world):
    """What a token of each liar got, and many tokens of one that hangs; all at one time, as some take seconds."""
    asked = [*LIES, *["discovery hangs"] * CROWD]
    with ThreadPoolExecutor(len(asked)) as pool:
        refused = {title: set() for title in LIES}
        for title, got in zip(asked, pool.map(world.refuse, asked)):
            refused[title].add(got)
        return refused


@pytest.mark.parametrize("title", LIES)
def test_liar(world, refused, title):
    """Its tokens are refused as those of an issuer that can't be asked, which SDKs try again."""
    assert refused[title] == {UNREACHABLE}
    state = world.state(title)
    assert state["state"] == "unknown"
    assert LIES[title].reason in state["detail"]
    assert world.metric("rolegate_oidc_keys", title) == 0
    assert math.isnan(world.metric("rolegate_oidc_keys_age_seconds", title))
    assert world.metric("rolegate_oidc_key_looks_total", title, outcome="failed") >= 1
    # Once ahead of the tokens, once for the first of them, however many there are.
    assert world.issuers[title].asked.count(DISCOVERY) == 2
    assert "/real" not in world.issuers[title].asked


@pytest.mark.parametrize("title", HONEST)
def test_honest(world, title):
    assert world.exchange(title)["Audience"] == "builder"
    assert world.state(title)["state"] == "ok"
    assert world.metric("rolegate_oidc_keys", title) == NUMBERS[title]
    assert world.metric("rolegate_oidc_keys_age_seconds", title) < PATIENCE
    assert world.metric("rolegate_oidc_key_looks_total", title, outcome="renewed") == 1
    assert world.issuers[title].asked == [DISCOVERY, KEYS]


def test_login(world, refused):
    """Who wants to sign in there is told whose fault it is."""
    page = Visitor().open(f"{world.broker.url}/oidc/{world.name('another issuer')}/login")
    assert (page.status, "Your identity provider does not answer" in page.text) == (502, True)
    honest = Visitor().open(f"{world.broker.url}/oidc/honest/login")
    assert honest.url.startswith(f"{world.issuers['honest'].url}/authorize?")


def test_keys_of_another_issuer(world):
    """A key set that is good elsewhere is good for nothing here."""
    other = world.issuers["100 keys"]
    forged = other.token(world.keys["100 keys"], iss=world.issuers["honest"].url, **PERSON)
    assert refusal(with_token, world.broker, DEPLOY, forged) == INVALID


def test_private_addresses(tmp_path):
    """An issuer on this machine, with https: reached if its entry says so."""
    certificate = keys.pair(tmp_path, "issuer", keys.ec_key(), ca=False)
    broker = Broker(tmp_path / "broker")
    issuers = {"near": Issuer(certificate), "far": Issuer(certificate)}
    tokens = {name: issuer.token(issuer.add_key("ES256"), **PERSON) for name, issuer in issuers.items()}
    broker.trust_people("near", issuers["near"].url, ["builder"], "true", "allow_private_addresses = true")
    broker.trust_people("far", issuers["far"].url, ["builder"], "true")
    broker.start(env=plain_environment(SSL_CERT_FILE=certificate.chain))
    assert with_token(broker, DEPLOY, tokens["near"])["Audience"] == "builder"
    assert refusal(with_token, broker, DEPLOY, tokens["far"]) == UNREACHABLE
    expected = f"the discovery document can't be fetched: 127.0.0.1 is at 127.0.0.1, {ELSEWHERE}"
    assert broker.dependency("provider far")["detail"] == expected
    assert issuers["far"].asked == []
    assert broker.stop() == 0, broker.output
    for issuer in issuers.values():
        issuer.die()
