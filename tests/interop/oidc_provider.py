"""npm's oidc-provider: a whole OpenID Connect issuer, with keys that are rotated as its owner would.

`tests/interop/run` has installed it; `oidc_provider.mjs` configures it. It takes any
password.
"""

import json
import os
import subprocess
from pathlib import Path

from broker import Process, eventually, free_ports, plain_environment
from peer import PASSWORD, Application

SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
ANN = {
    "name": "Ann O'Neil Söhne",
    "email": "ann@example.com",
    "email_verified": True,
    "groups": ["platform", "everyone"],
    "team": "core",
    "org": {"roles": ["deployer", "reader"], "cost centres": [7, 8]},
}
BEN = ANN | {"name": "Ben", "email": "ben@example.com", "groups": ["everyone"], "org": {"roles": []}}
CLEO = ANN | {"name": "Cleo", "email": "cleo@example.com"}
# A service whose access tokens are JWTs.
SERVICE = {
    "scope": "photos",
    # As bold as can be: a client that the broker knows.
    "audience": "mobile",
    "accessTokenTTL": 300,
    "accessTokenFormat": "jwt",
    "jwt": {"sign": {"alg": "RS256"}},
}


class OidcProvider:
    def __init__(self):
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.logout_url = f"{self.url}/session/end"
        self.keys, self.clients, self.told = [], [], 0
        self.process = Process(
            ["node", SCRIPT, port],
            stdin=subprocess.PIPE,
            env=plain_environment(INTEROP_WORK=os.environ["INTEROP_WORK"]),
        )

    def up(self, *keys):
        """Serves with these keys alone, `{algorithm}-{anything}`; of those of an algorithm the first one signs."""
        self.keys = keys
        told = {"keys": self.keys, "clients": self.clients, "people": {"ann": ANN, "ben": BEN, "cleo": CLEO}, "resource": SERVICE}
        self.process.child.stdin.write(json.dumps(told) + "\n")
        self.process.child.stdin.flush()
        self.told += 1

        def ready():
            assert self.process.child.poll() is None, self.process.output
            return self.process.lines.count("ready\n") == self.told

        eventually(ready, "oidc-provider")
        return self

    def client(self, client_id, redirect_uri, secret=None, signed_out=None, backchannel=None, **settings):
        """Adds a client, from the next `up` on; without a secret it is a public one."""
        if signed_out:
            settings |= {"post_logout_redirect_uris": [signed_out]}
        if backchannel:
            settings |= {"backchannel_logout_uri": backchannel, "backchannel_logout_session_required": True}
        method = {"client_secret": secret} if secret else {"token_endpoint_auth_method": "none"}
        self.clients.append(
            {"client_id": client_id, "redirect_uris": [redirect_uri], "response_types": ["code"]}
            | {"grant_types": ["authorization_code", "refresh_token"]}
            | method
            | settings
        )

    def application(self, client_id, **settings):
        """An application of its own right that people sign in to, which takes tokens elsewhere."""
        application = Application(client_id, f"{self.url}/auth", f"{self.url}/token", f"{self.url}/landed")
        self.client(client_id, application.redirect_uri, **settings)
        return application

    def authenticate(self, page, person="ann"):
        """From its login by way of the consent to wherever it sends one."""
        if page.asks_for("password"):
            page = page.submit(login=person, password=PASSWORD)
        if page.url.startswith(f"{self.url}/interaction/"):
            page = page.submit()
        return page

    def sign_out(self, page):
        """From the question whether one is sure to wherever it sends one."""
        return page.submit(logout="yes")

    def stop(self):
        self.process.child.stdin.close()
        assert self.process.wait() == 0, self.process.output
