"""A web application behind nginx that Rolegate lets people into: nginx by the example of the docs, a person in headless
Chromium who signs in through npm's oidc-provider, and an application that checks who asks with joserfc."""

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from broker import ACCOUNT, DEPLOY, PATIENCE, READ_ONLY, Broker, eventually, free_ports, plain_environment
from nginx import nginx

WALK = Path(__file__).with_name("visit.mjs")
SECRET = "a secret of the client"
PLACE = "/a%20page?x=1&return=2"


class Application(BaseHTTPRequestHandler):
    """Shows which headers it got."""

    def do_GET(self):
        body = json.dumps({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def wiki(folder, oidc_provider):
    """The broker, and the application's address."""
    (port,) = free_ports(1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://localhost:{port}"
    broker = Broker(folder / "broker")
    broker.trust_people("staff", oidc_provider.url, ["rolegate"], '"platform" in claim.groups', secret=SECRET)
    broker.settings += f'[[application]]\nname = "wiki"\norigin = "{origin}"\nroles = ["{READ_ONLY}", "{DEPLOY}"]\n'
    oidc_provider.client("rolegate", broker.callback("staff"), SECRET, broker.signed_out("staff"))
    oidc_provider.up("RS256-1")
    broker.start()
    ours = broker.address[1]
    proxy = nginx(folder, "forward-auth.nginx.conf", to_8080=ours, to_8092=port, to_8093=server.server_port)

    def listens():
        assert proxy.child.poll() is None, proxy.output
        try:
            return requests.get(origin, timeout=PATIENCE, allow_redirects=False).status_code == 302
        except requests.ConnectionError:
            return False

    try:
        eventually(listens, "nginx")
        yield broker, origin
    finally:
        proxy.stop()
        server.shutdown()
        assert broker.stop() == 0, broker.output


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_visit(wiki, scripts):
    broker, origin = wiki
    job = dict(application=origin, place=PLACE, width=390, height=844, scheme="light", scripts=scripts)
    walk = subprocess.run(
        ["node", WALK, json.dumps(job)], capture_output=True, text=True, timeout=4 * PATIENCE, env=plain_environment()
    )
    assert walk.returncode == 0, walk.stderr
    seen = json.loads(walk.stdout)
    assert "failure" not in seen, seen["failure"] + "\n" + json.dumps(seen["complaints"])
    assert [(each["name"], each["httpOnly"], each["sameSite"]) for each in seen["there"]] == [
        ("rolegate-at-wiki", True, "Lax")
    ]
    assert seen["signedOut"] == f"{broker.url}/portal"
    for visit in seen["first"], seen["second"]:
        assert visit["path"] == PLACE
        said = {name: value for name, value in visit["headers"].items() if name.startswith("x-rolegate-")}
        introduction = said.pop("x-rolegate-identity")
        assert said.pop("x-rolegate-user")
        assert said == {
            "x-rolegate-role": READ_ONLY,
            "x-rolegate-session": f"arn:aws:sts::{ACCOUNT}:assumed-role/ReadOnly/ann@example.com",
        }
        keys = KeySet.import_key_set(requests.get(f"{broker.url}/.well-known/jwks.json", timeout=PATIENCE).json())
        token = jwt.decode(introduction, keys, algorithms=["ES256"])
        wanted = {"iss": {"value": broker.url}, "aud": {"value": origin}, "exp": {"essential": True}}
        jwt.JWTClaimsRegistry(**wanted).validate(token.claims)
        assert (token.header["typ"], token.claims["rolegate"]["role"]) == ("introduction+jwt", READ_ONLY)
    if scripts:
        assert seen["fetched"] == 401
    assert [each for each in seen["complaints"] if each.startswith(broker.url)] == []
    assert "arrive?code=" not in broker.output


def test_strangers(wiki):
    """Nobody says who they are themselves, and nothing but the sign-in is reached without one."""
    _, origin = wiki
    lie = {"X-Rolegate-User": "admin", "X-Rolegate-Identity": "x", "Cookie": "rolegate-at-wiki=x"}
    for method, path in ("GET", "/x"), ("POST", "/x"), ("GET", "/.rolegate/../x"), ("GET", "//x"):
        answer = requests.request(method, f"{origin}{path}", headers=lie, timeout=PATIENCE, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"][:25]) == (302, "/.rolegate/start?return=/"), path
    for path in "/.rolegate/authz", "/.rolegate/none", "/.rolegate/":
        assert requests.get(f"{origin}{path}", headers=lie, timeout=PATIENCE).status_code == 404, path
