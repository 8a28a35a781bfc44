"""Whole identity providers: what those have in common that run as a process of their own."""

import requests

from broker import PATIENCE, eventually

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

    def sign_in(self, page):
        """From what the person sees to the page that posts the response."""
        if page.asks_for("SAMLRequest"):
            page = page.submit()
        if page.asks_for("password"):
            page = page.submit(username="ann", password=PASSWORD)
        assert page.asks_for("SAMLResponse"), page.text
        return page

    def stop(self):
        self.process.stop()
