"""Single logout with whole identity providers, both ways: Keycloak and SimpleSAMLphp.

A person has a console session and credentials of one login; who ends the login ends both.
"""

import re
from dataclasses import dataclass, field

import pytest

import keys
from broker import DEPLOY, READ_ONLY, AttributeNames, Broker
from clients import refusal, sts, with_saml
from visitor import Visitor

EXPIRED = ("ExpiredToken", 403)
BASIC = AttributeNames("eduPersonAffiliation", "mail", "ou")


@dataclass
class Variation:
    """How a peer is set up."""

    peer: str
    settings: dict = field(default_factory=dict)
    attributes: AttributeNames = AttributeNames()
    # Whether all responses of one session have the same name and the same session index; a logout
    # request has those of the last one.
    steady: bool = True
    name: str = ""


SIGNED = {"validate.logout": True, "sign.logout": True}
VARIATIONS = {
    "keycloak": Variation("keycloak"),
    "keycloak, in clear": Variation("keycloak", {"saml.encrypt": "false"}),
    "keycloak, by form": Variation("keycloak", {"saml_single_logout_service_url_redirect": ""}),
    "keycloak, transient": Variation("keycloak", {"saml_name_id_format": "transient"}, steady=False),
    "simplesamlphp": Variation("simplesamlphp", SIGNED, BASIC, steady=False),
}
for title, variation in VARIATIONS.items():
    variation.name = re.sub(r"\W+", "-", title)


@pytest.fixture(scope="module")
def peers(keycloak, simplesamlphp):
    return {"keycloak": keycloak, "simplesamlphp": simplesamlphp}


@pytest.fixture(scope="module")
def broker(folder, peers):
    broker = Broker(folder / "broker")
    keys.pair(folder, "ours").write_both(broker.folder / "ours.pem")
    for each in VARIATIONS.values():
        options = 'keys = [{ file = "ours.pem" }]\naccept = ["aes-cbc"]'
        broker.trust_saml(each.name, peers[each.peer].metadata(), options, each.attributes)
    broker.start()
    for each in VARIATIONS.values():
        peers[each.peer].register(broker, each.name, each.settings)
    yield broker
    assert broker.stop() == 0, broker.output


class Login:
    """What comes of one login at the peer: a console session, and credentials too."""

    def __init__(self, broker, peer, each):
        self.broker, self.visitor, self.credentials = broker, Visitor(), None
        ask = lambda: peer.sign_in(self.visitor.open(f"{broker.url}/saml/{each.name}/login"))
        if each.steady:
            self.credentials = with_saml(broker, each, DEPLOY, ask().fields["SAMLResponse"])["Credentials"]
        self.console = ask().submit().submit(roleIndex=READ_ONLY)
        assert self.console.url == f"{broker.url}/console", self.console.text

    def is_over(self):
        """Whether none of it is good any more; otherwise all of it is."""
        over = self.visitor.open(f"{self.broker.url}/console").url != f"{self.broker.url}/console"
        if self.credentials:
            caller = sts(self.broker, self.credentials).get_caller_identity
            if over:
                code, _, status = refusal(caller)
                assert (code, status) == EXPIRED
            else:
                assert caller()["Account"] == "111122223333"
        return over


@pytest.mark.parametrize("variation", VARIATIONS)
def test_the_person_signs_out_here(broker, peers, variation):
    """The broker sends the peer a LogoutRequest, and comes back with its answer."""
    each = VARIATIONS[variation]
    login, other = (Login(broker, peers[each.peer], each) for _ in range(2))
    assert not login.is_over()
    page = login.console.submit(Action="logout")
    while page.asks_for("SAMLRequest") or page.asks_for("SAMLResponse"):
        page = page.submit()
    assert page.url.startswith(f"{broker.url}/saml/{each.name}/slo"), page.text
    assert "You are signed out here and at your identity provider." in page.text
    assert login.is_over() and not other.is_over()
    assert login.visitor.open(f"{broker.url}/saml/{each.name}/login").asks_for("password")


@pytest.mark.parametrize("variation", VARIATIONS)
def test_the_person_signs_out_there(broker, peers, variation):
    """The peer sends the broker a LogoutRequest by way of the browser, and takes its answer."""
    each = VARIATIONS[variation]
    peer = peers[each.peer]
    login, other = (Login(broker, peer, each) for _ in range(2))
    page = login.visitor.open(peer.logout_url)
    while page.forms:
        page = page.submit()
    assert page.url.startswith(peer.url) and peer.signed_out in page.text, page.text
    assert login.is_over() and not other.is_over()
