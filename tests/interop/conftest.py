"""What the suites share."""

import os

import pytest

from broker import Broker
from idp import PlainIdp
from issuer import Issuer
from keycloak import Keycloak
from oidc_provider import OidcProvider
from simplesamlphp import SimpleSamlPhp

for name in list(os.environ):
    if name.startswith("AWS_") or name.lower().endswith("_proxy"):
        del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="module")
def issuer():
    """An OpenID Connect issuer with one RSA key."""
    issuer = Issuer()
    issuer.add_key("RS256")
    yield issuer
    if issuer.thread.is_alive():
        issuer.die()


@pytest.fixture(scope="session")
def keycloak():
    """Keycloak takes its time to boot: one for the whole run."""
    peer = Keycloak()
    try:
        yield peer.up()
    finally:
        peer.stop()


@pytest.fixture(scope="module")
def oidc_provider():
    """npm's oidc-provider, before it is configured."""
    peer = OidcProvider()
    yield peer
    peer.stop()


@pytest.fixture(scope="session")
def simplesamlphp(tmp_path_factory):
    peer = SimpleSamlPhp(tmp_path_factory.mktemp("simplesamlphp"))
    try:
        yield peer.up()
    finally:
        peer.stop()


@pytest.fixture(scope="module")
def corp(folder):
    """A SAML identity provider that signs with signxml."""
    return PlainIdp("corp", folder)


@pytest.fixture(scope="module")
def broker(folder, corp, issuer):
    """A broker that trusts both."""
    broker = Broker(folder / "broker")
    broker.trust_saml("corp", corp.metadata())
    broker.trust_oidc(issuer.url)
    corp.broker = broker
    broker.start()
    yield broker
    code = broker.stop()
    assert code == 0, broker.output


@pytest.fixture
def token(issuer):
    """A fresh token of the issuer's first key."""
    return issuer.token(next(iter(issuer.signing)))
