"""Dex: an OpenID Connect issuer whose keys turn by themselves, as soon as it looks.

`tests/interop/run` has built it. People sign in with a password that stands in its configuration.
"""

import json
import os
from pathlib import Path

from broker import Process, free_ports
from peer import PASSWORD, Application, Peer

PROGRAM = Path(os.environ["INTEROP_WORK"], "dex/dex")
# The password, by bcrypt.
HASH = "$2b$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W"
PEOPLE = {
    "ann": {"email": "ann@example.com", "groups": ["platform", "everyone"]},
    "ben": {"email": "ben@example.com", "groups": ["everyone"]},
}


class Dex(Peer):
    def __init__(self, folder):
        (port,) = free_ports(1)
        self.url = self.entity_id = f"http://127.0.0.1:{port}/dex"
        self.folder, self.clients = folder, []

    def up(self):
        people = [
            {"username": name, "userID": f"{name}-id", "hash": HASH} | person for name, person in PEOPLE.items()
        ]
        settings = {
            "issuer": self.url,
            "storage": {"type": "memory"},
            "web": {"http": self.url.split("/")[2]},
            "enablePasswordDB": True,
            "staticPasswords": people,
            "staticClients": self.clients,
            "expiry": {"signingKeys": "10s", "idTokens": "5m"},
        }
        file = self.folder / "dex.json"
        file.write_text(json.dumps(settings))
        self.process = Process([PROGRAM, "serve", file])
        self.wait_for(f"{self.url}/.well-known/openid-configuration")
        return self

    def client(self, client_id, redirect_uri, secret=None, trusted=()):
        """Adds a client; those that it trusts may ask for tokens that are for it."""
        kind = {"secret": secret} if secret else {"public": True}
        client = {"id": client_id, "name": client_id, "redirectURIs": [redirect_uri], "trustedPeers": list(trusted)}
        self.clients.append(client | kind)

    def application(self, client_id, **settings):
        application = Application(client_id, f"{self.url}/auth", f"{self.url}/token", f"{self.url}/landed")
        self.client(client_id, application.redirect_uri, **settings)
        return application

    def authenticate(self, page, person="ann"):
        if page.asks_for("password"):
            page = page.submit(login=PEOPLE[person]["email"], password=PASSWORD)
        if page.asks_for("approval"):
            page = page.submit(approval="approve")
        return page
