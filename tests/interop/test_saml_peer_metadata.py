"""Keycloak's own metadata, from its own URL, while it changes its key."""

from types import SimpleNamespace

import pytest

from broker import DEPLOY, Broker, eventually
from clients import refusal, with_saml
from visitor import Visitor

INVALID = ("InvalidIdentityToken", "Response signature invalid", 400)


@pytest.fixture(scope="module")
def broker(folder, keycloak):
    """It knows Keycloak twice: by its address, and by a file that somebody saved."""
    broker = Broker(folder / "broker")
    broker.trust_saml("by-url", keycloak.metadata_url, "allow_loopback_http = true")
    broker.trust_saml("by-file", keycloak.metadata())
    broker.start()
    for name in "by-url", "by-file":
        keycloak.register(broker, name, {})
    yield broker
    assert broker.stop() == 0, broker.output


def response(broker, keycloak, name):
    page = keycloak.sign_in(Visitor().open(keycloak.portal_url(broker, name)))
    return page.fields["SAMLResponse"]


@pytest.mark.parametrize("name", ["by-url", "by-file"])
def test_login(broker, keycloak, name):
    picker = keycloak.sign_in(Visitor().open(f"{broker.url}/saml/{name}/login")).submit()
    assert picker.asks_for("roleIndex"), picker.text


def test_a_key_change(broker, keycloak):
    """What the new key signed is refused until the metadata has it; the old one counts as long as it is there."""
    known = SimpleNamespace(name="by-file")
    before = response(broker, keycloak, known.name)
    with keycloak.another_key():
        new = [response(broker, keycloak, known.name) for _ in range(2)]
        assert refusal(with_saml, broker, known, DEPLOY, new[0]) == INVALID
        (broker.folder / "by-file.xml").write_bytes(keycloak.metadata())
        said = "the provider's signing certificates have changed provider=\"by-file\" came="
        eventually(lambda: said in broker.output, said)
        for accepted in before, *new:
            assert with_saml(broker, known, DEPLOY, accepted)["Issuer"] == keycloak.entity_id
