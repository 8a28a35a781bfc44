"""Sign-in and logouts by OpenID Connect with Keycloak, both ways.

Its realm roles stand in userinfo alone, nested, as `realm_access.roles`.
"""

import pytest
import requests

from broker import ACCOUNT, PATIENCE, READ_ONLY, Broker, eventually, statement
from clients import refusal, sts, with_token
from keycloak import REALM
from peer import PASSWORD
from visitor import Visitor

EXPIRED = ("ExpiredToken", 403)
CLIENT, SECRET = "rolegate", "s3cret-of-rolegate"
ROLES = {
    "name": "roles in userinfo",
    "protocol": "openid-connect",
    "protocolMapper": "oidc-usermodel-realm-role-mapper",
    "config": {
        "claim.name": "realm_access.roles",
        "jsonType.label": "String",
        "multivalued": "true",
        "id.token.claim": "false",
        "access.token.claim": "false",
        "userinfo.token.claim": "true",
    },
}


def register(keycloak, broker):
    """Makes the client, and gives the person a role of the realm."""
    base = f"{broker.url}/oidc/keycloak"
    client = {
        "clientId": CLIENT,
        "secret": SECRET,
        "redirectUris": [f"{base}/callback"],
        "directAccessGrantsEnabled": True,
        "protocolMappers": [ROLES],
        "attributes": {
            "pkce.code.challenge.method": "S256",
            "post.logout.redirect.uris": f"{base}/signed-out",
            "backchannel.logout.url": f"{base}/backchannel-logout",
            "backchannel.logout.session.required": "true",
        },
    }
    keycloak.administer("POST", f"/{REALM}/clients", json=client)
    keycloak.administer("POST", f"/{REALM}/roles", json={"name": "platform-engineer"})
    role = keycloak.administer("GET", f"/{REALM}/roles/platform-engineer").json()
    keycloak.administer("POST", f"/{REALM}/users/{person(keycloak)}/role-mappings/realm", json=[role])


def person(keycloak):
    return keycloak.administer("GET", f"/{REALM}/users?username=ann").json()[0]["id"]


@pytest.fixture(scope="module")
def broker(folder, keycloak):
    broker = Broker(folder / "broker")
    host = keycloak.entity_id.split("://", 1)[1]
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
    broker.add_role(READ_ONLY, statement(arn, "sts:AssumeRoleWithWebIdentity"))
    (broker.folder / "secret").write_text(SECRET)
    broker.settings += f"""
[[provider]]
kind = "oidc"
name = "keycloak"
account = "{ACCOUNT}"
issuer = "{keycloak.entity_id}"
client_ids = ["{CLIENT}"]
allow_loopback_http = true
grant = "trust-policy"
attributes = {{ roles = "realm_access.roles" }}
login = {{ client_id = "{CLIENT}", client_secret = {{ file = "secret" }}, scopes = ["roles"], userinfo = true }}
[[rule]]
name = "engineers"
provider = "keycloak"
when = '"platform-engineer" in attr.roles'
roles = ["{READ_ONLY}"]
session_name = '"ann"'
"""
    broker.start()
    register(keycloak, broker)
    yield broker
    assert broker.stop() == 0, broker.output


def sign_in(broker):
    """A person in a browser of their own, in the console."""
    visitor = Visitor()
    page = visitor.open(f"{broker.url}/oidc/keycloak/login")
    page = page.submit(username="ann", password=PASSWORD)
    assert page.url == f"{broker.url}/console", f"{page.text}\n{broker.output}"
    return visitor, page


def is_over(broker, visitor):
    return visitor.open(f"{broker.url}/console").url != f"{broker.url}/console"


def id_token(keycloak):
    """By password, as a script gets it: a session of its own at Keycloak."""
    grant = {"grant_type": "password", "username": "ann", "password": PASSWORD, "scope": "openid"}
    url = f"{keycloak.entity_id}/protocol/openid-connect/token"
    answer = requests.post(url, data=grant, auth=(CLIENT, SECRET), timeout=PATIENCE)
    assert answer.ok, answer.text
    return answer.json()["id_token"]


def test_the_person_signs_out_here(broker):
    """By way of Keycloak, which asks once more, and comes back; the other browser stays."""
    (visitor, console), (other, _) = sign_in(broker), sign_in(broker)
    page = console.submit(Action="logout")
    assert "/protocol/openid-connect/logout" in page.url, page.text
    assert is_over(broker, visitor)
    page = page.submit()
    assert page.url.startswith(f"{broker.url}/oidc/keycloak/signed-out?"), page.text
    assert "You are signed out here and at your identity provider." in page.text
    assert not is_over(broker, other)
    assert visitor.open(f"{broker.url}/oidc/keycloak/login").asks_for("password")


def test_the_person_signs_out_there(broker, keycloak):
    """Keycloak posts a logout token for the one session."""
    (visitor, _), (other, _) = sign_in(broker), sign_in(broker)
    page = visitor.open(keycloak.logout_url)
    while page.forms:
        page = page.submit()
    assert keycloak.signed_out in page.text, page.text
    eventually(lambda: is_over(broker, visitor), "a logout token")
    assert not is_over(broker, other)
    assert 'action="oidc-logout"' in broker.output and 'scope="session"' in broker.output, broker.output


def test_the_administrator_signs_everybody_out(broker, keycloak):
    """All sessions end: of browsers, and those that only the STS API saw."""
    visitor, _ = sign_in(broker)
    token = id_token(keycloak)
    credentials = with_token(broker, READ_ONLY, token)["Credentials"]
    caller = sts(broker, credentials).get_caller_identity
    assert caller()["Account"] == ACCOUNT and not is_over(broker, visitor)
    keycloak.administer("POST", f"/{REALM}/users/{person(keycloak)}/logout")
    eventually(lambda: is_over(broker, visitor), "a logout token")

    def refused():
        try:
            caller()
        except Exception:  # noqa: BLE001 - which refusal it is comes next
            return True

    eventually(refused, "the credentials' end")
    code, _, status = refusal(caller)
    assert (code, status) == EXPIRED
    code, _, status = refusal(with_token, broker, READ_ONLY, token)
    assert (code, status) == ("ExpiredTokenException", 400)
    again, _ = sign_in(broker)
    assert not is_over(broker, again)
