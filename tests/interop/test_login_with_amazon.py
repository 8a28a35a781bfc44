"""Access tokens of Login with Amazon, by an SDK's `ProviderId`. Amazon itself is not at hand: a server of the suite answers
as its documentation of `tokeninfo` has it."""

import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from botocore.exceptions import ClientError

from broker import ACCOUNT, PATIENCE, Broker, eventually, statement
from clients import DENIED, INVALID, NOT_A_JWT, UNREACHABLE, refusal, sts

GAME = f"arn:aws:iam::{ACCOUNT}:role/apps/Game"
PASSED = f"arn:aws:iam::{ACCOUNT}:role/apps/Passed"
APP, OTHER_APP = "amzn1.application-oa2-client.game", "amzn1.application-oa2-client.other"
ANN, BEN = "amzn1.account.ANN", "amzn1.account.BEN"
NOT_AMAZONS = ("InvalidIdentityToken", "Provided Token is not a Login With Amazon token", 400)


class Amazon:
    """Knows some tokens; `trick` answers instead."""

    def __init__(self):
        self.tokens, self.asked, self.trick = {}, [], None
        amazon = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                (token,) = urllib.parse.parse_qs(url.query)["access_token"]
                amazon.asked.append(token)
                if amazon.trick:
                    amazon.trick(self)
                elif url.path == "/auth/o2/tokeninfo" and token in amazon.tokens:
                    self.answer(200, amazon.tokens[token])
                else:
                    self.answer(400, {"error": "invalid_token", "error_description": "The request has an invalid parameter"})

            def answer(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/auth/o2/tokeninfo"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def knows(self, token, **changes):
        """A token of Ann's for the game."""
        known = {"iss": "https://www.amazon.com", "user_id": ANN, "aud": APP, "app_id": "amzn1.application.game", "exp": 3597}
        self.tokens[token] = known | changes
        return token


@pytest.fixture(scope="module")
def amazon():
    amazon = Amazon()
    yield amazon
    amazon.server.shutdown()


@pytest.fixture(scope="module")
def broker(folder, amazon):
    broker = Broker(folder / "broker")
    # As AWS's documentation has it: no provider's ARN.
    trust = statement("www.amazon.com", "sts:AssumeRoleWithWebIdentity")
    trust["Condition"] = {
        "StringEquals": {"www.amazon.com:app_id": "amzn1.application.game"},
        "StringLike": {"www.amazon.com:user_id": "amzn1.account.A*"},
    }
    broker.add_role(GAME, trust)
    broker.there = There()
    broker.add_upstream("there", broker.there.url, {"AccessKeyId": "AKIATHERE", "SecretAccessKey": "x" * 40})
    upstream = f'issuer = "there"\nupstream = {{ role = "{PASSED}", pass_through = true }}'
    broker.add_role(PASSED, trust, options=upstream)
    broker.settings += f"""
[[provider]]
kind = "oidc"
name = "amazon"
preset = "login-with-amazon"
account = "{ACCOUNT}"
client_ids = ["{APP}"]
token_info = "{amazon.url}"
allow_loopback_http = true
grant = "trust-policy"
"""
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


def exchange(broker, token, provider="www.amazon.com", session="ann"):
    asked = {"RoleArn": GAME, "RoleSessionName": session, "WebIdentityToken": token}
    return sts(broker).assume_role_with_web_identity(**asked | ({"ProviderId": provider} if provider else {}))


def test_access_token(broker, amazon):
    """It becomes credentials, however it is made up, and stands in no line of the log."""
    token = amazon.knows("Atza|IQEBLjAsAhRm&x=1+%7C/==")
    answer = exchange(broker, token)
    assert amazon.asked[-1] == token
    assert (answer["Provider"], answer["Audience"], answer["SubjectFromWebIdentityToken"]) == ("www.amazon.com", APP, ANN)
    me = sts(broker, answer["Credentials"]).get_caller_identity()
    assert me["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Game/ann"
    eventually(lambda: f'subject="{ANN}"' in broker.output, "the audit")
    assert "IQEBLjAsAhRm" not in broker.output
    assert broker.dependency("provider amazon")["state"] == "ok"


@pytest.mark.parametrize(
    "changes, expected",
    [
        (dict(aud=OTHER_APP), INVALID),
        (dict(iss="https://www.amazon.co.uk"), INVALID),
        (dict(user_id=BEN), DENIED),
        (dict(app_id="amzn1.application.other"), DENIED),
        (dict(user_id=""), INVALID),
        (dict(user_id=None), UNREACHABLE),
        (dict(exp=-1), UNREACHABLE),
        (dict(iat=4102444800), INVALID),
    ],
    ids=["another app's client", "another issuer", "another person", "another app", "nobody", "no text", "no seconds that are left", "not yet"],
)
def test_what_amazon_says_decides(broker, amazon, changes, expected):
    assert refusal(exchange, broker, amazon.knows("Atza|changed", **changes)) == expected


def test_over_with_the_last_second(broker, amazon):
    """There is the clock skew that any token is granted."""
    ended = amazon.knows("Atza|ended", exp=0)
    assert exchange(broker, ended)["Audience"] == APP


def test_unknown_token(broker, amazon):
    assert refusal(exchange, broker, "Atza|unknown") == INVALID


def test_other_tokens(broker, amazon, token):
    """Amazon is asked about none of these."""
    before = len(amazon.asked)
    assert refusal(exchange, broker, token) == NOT_AMAZONS
    assert refusal(exchange, broker, "EAAB a token of somebody else") == NOT_A_JWT
    assert refusal(exchange, broker, amazon.knows("Atza|good"), provider=None) == NOT_A_JWT
    assert refusal(exchange, broker, "Atza|good", provider="graph.facebook.com") == DENIED
    assert len(amazon.asked) == before


class There:
    """Another STS, which is shown the token in its turn."""

    def __init__(self):
        self.asked, there = [], self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                there.asked.append(dict(urllib.parse.parse_qsl(form)))
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


def test_passed_on(broker, amazon):
    """To a role's own STS with the `ProviderId` that it came by. What comes back, the upstreams' tests look at."""
    token = amazon.knows("Atza|passed-on")
    asked = {"RoleArn": PASSED, "RoleSessionName": "ann", "WebIdentityToken": token, "ProviderId": "www.amazon.com"}
    with pytest.raises(ClientError):
        sts(broker).assume_role_with_web_identity(**asked)
    seen = broker.there.asked[-1]
    assert {name: seen.get(name) for name in ("Action", "ProviderId", "WebIdentityToken")} == {
        "Action": "AssumeRoleWithWebIdentity", "ProviderId": "www.amazon.com", "WebIdentityToken": token,
    }  # fmt: skip


def test_logout_token(broker, issuer):
    """Nobody signs in Amazon's name, and no keys are looked for."""
    key = next(iter(issuer.signing))
    token = issuer.token(key, iss="https://www.amazon.com", aud=APP, events={"http://schemas.openid.net/event/backchannel-logout": {}})
    answer = requests.post(f"{broker.url}/oidc/amazon/backchannel-logout", data={"logout_token": token}, timeout=PATIENCE)
    assert answer.status_code == 400
    assert 'check="oidc.key.unknown"' in broker.output


def hangs(handler):
    handler.connection.settimeout(PATIENCE)
    try:
        handler.connection.recv(1)
    except OSError:
        pass


def lies(handler):
    handler.answer(200, {"iss": "https://www.amazon.com", "user_id": ANN})


def floods(handler):
    handler.answer(200, {"iss": "x" * 100_000})


def leads_away(handler):
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:1/")
    handler.end_headers()


@pytest.mark.parametrize(
    "trick", [hangs, lies, floods, leads_away, lambda handler: handler.answer(500, {})], ids=["hangs", "lies", "floods", "leads away", "500"]
)
def test_amazon_in_trouble(broker, amazon, trick):
    """Nobody is let in, the client is told to try again, and the log says why and not by which URL."""
    token = amazon.knows("Atza|good")
    amazon.trick = trick
    assert refusal(exchange, broker, token) == UNREACHABLE
    amazon.trick = None
    assert exchange(broker, token)["Audience"] == APP
    assert re.search('check="oidc.token-info"', broker.output)
    assert token not in broker.output and "access_token" not in broker.output


def test_many_at_once(broker, amazon):
    """While Amazon hangs, so many wait and no more: the others are told at once."""
    token, waiting, said = amazon.knows("Atza|good"), threading.Event(), []

    def wait(handler):
        waiting.wait(PATIENCE)
        handler.answer(200, amazon.tokens[token])

    amazon.trick, before = wait, len(amazon.asked)

    form = {"Version": "2011-06-15", "Action": "AssumeRoleWithWebIdentity", "RoleArn": GAME, "RoleSessionName": "ann"}
    form |= {"WebIdentityToken": token, "ProviderId": "www.amazon.com"}

    def ask():
        answer = requests.post(broker.url, data=form, timeout=PATIENCE).text
        said.append(re.search("<(?:Code|Audience)>(.*?)<", answer)[1])

    threads = [threading.Thread(target=ask) for _ in range(48)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(said) == 16, "those who are told at once", patience=4)
    assert said == ["IDPCommunicationError"] * 16
    eventually(lambda: len(amazon.asked) - before == 32, "those who are asked about", patience=4)
    waiting.set()
    for thread in threads:
        thread.join()
    amazon.trick = None
    assert said[16:] == [APP] * 32
