"""OpenID Connect tokens of an issuer that is not ours (PyJWT and `cryptography`), its keys rotated,
its server gone."""

import base64
import json

import jwt
import pytest

from broker import BUILDER, Broker
from clients import DENIED, INVALID, NOT_A_JWT, refusal, sts, with_token
from issuer import Issuer

@pytest.fixture
def world(tmp_path):
    """An issuer and a broker of this test's own, because keys and servers come and go here."""
    issuer, broker = Issuer(), Broker(tmp_path)
    broker.trust_oidc(issuer.url)
    yield issuer, broker
    assert broker.stop() == 0, broker.output
    if issuer.thread.is_alive():
        issuer.die()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_accepted(world, algorithm):
    """A token of either kind of key; discovery and keys are fetched once for many tokens."""
    issuer, broker = world
    key = issuer.add_key(algorithm)
    broker.start()
    for _ in range(3):
        answer = with_token(broker, BUILDER, issuer.token(key))
        assert answer["SubjectFromWebIdentityToken"] == "repo:example/app"
        assert sts(broker, answer["Credentials"]).get_caller_identity()["Arn"].endswith("/Builder/job-7")
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_key_rotation(world):
    """A new key id is looked up at once, also of another algorithm; a withdrawn key stops to count."""
    issuer, broker = world
    old = issuer.add_key("RS256")
    broker.start()
    assert with_token(broker, BUILDER, issuer.token(old))["Audience"] == "builder"
    new = issuer.add_key("ES256")
    del issuer.published[0]
    assert with_token(broker, BUILDER, issuer.token(new))["Audience"] == "builder"
    assert refusal(with_token, broker, BUILDER, issuer.token(old)) == INVALID
    # Invented key ids do not make the broker hammer the issuer.
    asked = len(issuer.asked)
    invented = issuer.add_key("RS256", publish=False)
    for _ in range(5):
        assert refusal(with_token, broker, BUILDER, issuer.token(invented)) == INVALID
    assert len(issuer.asked) == asked


def test_dead_issuer_with_known_keys(world):
    """What is known stays known; what is not known is IDPCommunicationError, which SDKs retry."""
    issuer, broker = world
    known = issuer.add_key("RS256")
    broker.start()
    assert with_token(broker, BUILDER, issuer.token(known))["Audience"] == "builder"
    issuer.die()
    assert with_token(broker, BUILDER, issuer.token(known))["Audience"] == "builder"
    assert broker.dependency("provider ci")["state"] == "ok"
    unknown = issuer.add_key("RS256")
    code, message, status = refusal(with_token, broker, BUILDER, issuer.token(unknown))
    assert (code, status) == ("IDPCommunicationError", 400)
    assert message.startswith("Couldn't retrieve verification key from your identity provider,  please reference")
    assert with_token(broker, BUILDER, issuer.token(known))["Audience"] == "builder"


def test_dead_issuer_from_the_start(world):
    """The broker starts and serves others; this issuer's tokens wait."""
    issuer, broker = world
    key = issuer.add_key("RS256")
    token = issuer.token(key)
    issuer.die()
    broker.start()
    assert broker.dependency("provider ci")["state"] == "unknown"
    code, _, status = refusal(with_token, broker, BUILDER, token)
    assert (code, status) == ("IDPCommunicationError", 400)


def test_refused(world):
    """Each fault with AWS's code and text, and an honest token before and after."""
    issuer, broker = world
    key, stranger = issuer.add_key("RS256"), issuer.add_key("RS256", publish=False)
    broker.start()
    honest = issuer.token(key)
    assert with_token(broker, BUILDER, honest)["Audience"] == "builder"

    def unsigned():
        claims = jwt.decode(honest, options={"verify_signature": False})
        return jwt.encode(claims, None, "none", headers={"kid": key})

    def by_shared_secret():
        """RS256's public key as the secret of HS256."""
        claims = jwt.decode(honest, options={"verify_signature": False})
        public = base64.urlsafe_b64decode(issuer.published[0]["n"] + "==")
        return jwt.encode(claims, public, "HS256", headers={"kid": key})

    def changed():
        head, body, signature = honest.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        body = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "repo:evil/app"}).encode()).decode().rstrip("=")
        return f"{head}.{body}.{signature}"

    for wrong, expected in [
        (changed(), INVALID),
        (issuer.token(stranger, header={"kid": key}), INVALID),
        (by_shared_secret(), INVALID),
        (issuer.token(key, aud="another-app"), INVALID),
        (issuer.token(key, nbf=4102444800), INVALID),
        (issuer.token(key, aud=["builder", "another-app"]), (
            "InvalidIdentityToken",
            "Token audience contains more than one audience while authorized party is not present",
            400,
        )),
        (issuer.token(key, sub=None), ("InvalidIdentityToken", "Missing a required claim: sub", 400)),
        (issuer.token(key, exp=None), ("InvalidIdentityToken", "Missing a required claim: exp", 400)),
        (issuer.token(key, exp=4102444800.5), (
            "InvalidIdentityToken", "Invalid timestamp in token claims.", 400,
        )),
        (issuer.token(key, iss="https://other.example"), (
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://other.example",
            400,
        )),
        ("abc.def.ghi", NOT_A_JWT),
        ("opaque-access-token", NOT_A_JWT),
        (issuer.token(key, ref="refs/heads/feature"), DENIED),
        (issuer.token(key, sub="user:eve"), DENIED),
    ]:  # fmt: skip
        assert refusal(with_token, broker, BUILDER, wrong) == expected, wrong
    code, _, status = refusal(with_token, broker, BUILDER, unsigned())
    assert (code, status) == ("InvalidIdentityToken", 400)
    code, message, status = refusal(with_token, broker, BUILDER, issuer.token(key, iat=1, nbf=1, exp=1000))
    assert (code, status) == ("ExpiredTokenException", 400)
    assert message.startswith("Token expired: current date/time ")
    assert message.endswith(" must be before the expiration date/time 1000")
    assert with_token(broker, BUILDER, issuer.token(key))["Audience"] == "builder"


def test_a_token_may_be_used_again(world):
    """Unlike an assertion: a workload exchanges the same token until it expires, as on AWS."""
    issuer, broker = world
    token = issuer.token(issuer.add_key("RS256"))
    broker.start()
    keys = {with_token(broker, BUILDER, token)["Credentials"]["AccessKeyId"] for _ in range(3)}
    assert len(keys) == 3
