"""Whole identity providers: what those have in common that run as a process of their own, and the
applications that people sign in to through them."""

import base64
import hashlib
import secrets
import urllib.parse

import requests

from broker import PATIENCE, eventually
from visitor import Visitor

PASSWORD = "correct horse battery staple"


class Peer:
    """A server on loopback, `process`, at `url`; its `ann` signs in with a password."""

    process, url, entity_id, metadata_url = None, "", "", ""
    # Where a person signs out, and what they read afterwards.
    logout_url, signed_out = "", ""

    def wait_for(self, url, patience=PATIENCE):
        def answers():
            assert self.process.child.poll() is None, self.process.output
            try:
                return requests.get(url, timeout=PATIENCE).ok
            except requests.ConnectionError:
                return False

        eventually(answers, url, patience)

    def metadata(self):
        return requests.get(self.metadata_url, timeout=PATIENCE).content

    def register(self, broker, name, settings):
        """Makes the broker's provider `name` known, from its metadata, with settings of the peer's own."""
        raise NotImplementedError

    def portal_url(self, broker, name):
        """Where somebody goes who starts at the identity provider."""
        raise NotImplementedError

    def authenticate(self, page, person="ann"):
        """Past the form, if the person sees one."""
        return page.submit(username=person, password=PASSWORD) if page.asks_for("password") else page

    def sign_in(self, page):
        """From what the person sees to the page that posts the response."""
        if page.asks_for("SAMLRequest"):
            page = page.submit()
        page = self.authenticate(page)
        assert page.asks_for("SAMLResponse"), page.text
        return page

    def stop(self):
        self.process.stop()


class Application:
    """A client of an OpenID Connect issuer that is not the broker: its people's tokens go to the STS API."""

    def __init__(self, client_id, authorization_url, token_url, redirect_uri):
        self.client_id, self.redirect_uri = client_id, redirect_uri
        self.authorization_url, self.token_url = authorization_url, token_url

    def tokens(self, issuer, scope="openid email profile", **more):
        """The token answer for Ann, by code and PKCE; `issuer.authenticate` fills the pages in."""
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {"client_id": self.client_id, "redirect_uri": self.redirect_uri, "response_type": "code"}
        asked |= {"scope": scope, "state": state, "code_challenge": challenge, "code_challenge_method": "S256"}
        url = f"{self.authorization_url}?{urllib.parse.urlencode(asked | more)}"
        landed = issuer.authenticate(Visitor().open(url)).url
        assert landed.startswith(self.redirect_uri), landed
        came = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(landed).query))
        assert came["state"] == state, came
        grant = {"grant_type": "authorization_code", "code": came["code"], "redirect_uri": self.redirect_uri}
        grant |= {"client_id": self.client_id, "code_verifier": verifier} | more
        answer = requests.post(self.token_url, data=grant, timeout=PATIENCE)
        assert answer.ok, answer.text
        return answer.json()
