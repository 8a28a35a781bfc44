"""Keycloak: a whole identity provider, run from its own distribution on loopback.

`tests/interop/run` has fetched and built it (`target/interop/keycloak/server`); its database is in memory
and ends with it. Clients are made from the broker's SP metadata, by Keycloak's own reading of it.
"""

import os
import secrets
from contextlib import contextmanager
from pathlib import Path

import requests

from broker import PATIENCE, Process, free_ports, plain_environment
from peer import PASSWORD, Application, Peer

HOME = Path(os.environ["INTEROP_WORK"], "keycloak/server")
BOOT = 10 * PATIENCE  # a JVM that lays out a database, on two cores that others use too
REALM = "corp"
PEOPLE = {
    "realm": REALM,
    "enabled": True,
    "sslRequired": "none",
    "groups": [{"name": "platform"}, {"name": "everyone"}],
    "roles": {"realm": [{"name": "deployer"}]},
    "users": [
        {
            "username": "ann",
            "enabled": True,
            "firstName": "Ann",
            "lastName": "O'Neil Söhne",
            "email": "ann@example.com",
            "emailVerified": True,
            "attributes": {"team": ["core"], "title": ['R&D <"lead">', "Ingénieure"]},
            "groups": ["/platform", "/everyone"],
            "realmRoles": ["deployer", f"default-roles-{REALM}"],
            "credentials": [{"type": "password", "value": PASSWORD}],
        }
    ],
}
AWS = "https://aws.amazon.com/SAML/Attributes/"


def mapper(kind, name, **config):
    """How one SAML attribute is made."""
    config = {"attribute.name": name, "attribute.nameformat": "Basic"} | config
    return {"name": name, "protocol": "saml", "protocolMapper": f"saml-{kind}-mapper", "config": config}


MAPPERS = [
    mapper("group-membership", "groups", **{"single": "true", "full.path": "false"}),
    mapper("user-property", "email", **{"user.attribute": "email", "friendly.name": "mail"}),
    mapper("user-attribute", "team", **{"user.attribute": "team"}),
    mapper("user-attribute", "title", **{"user.attribute": "title"}),
]
# What AWS's documentation tells one to set up.
AWS_MAPPERS = [
    mapper("role-list", AWS + "Role", single="true"),
    mapper("user-property", AWS + "RoleSessionName", **{"user.attribute": "email"}),
    mapper("user-property", AWS + "SourceIdentity", **{"user.attribute": "username"}),
    mapper("user-attribute", AWS + "PrincipalTag:team", **{"user.attribute": "team"}),
    mapper("hardcode-attribute", AWS + "SessionDuration", **{"attribute.value": "1800"}),
]


# As they come, the roles of a realm stand in access tokens alone.
REALM_ROLES = {
    "name": "realm roles",
    "protocol": "openid-connect",
    "protocolMapper": "oidc-usermodel-realm-role-mapper",
    "config": {
        "claim.name": "realm_access.roles",
        "multivalued": "true",
        "jsonType.label": "String",
        "id.token.claim": "true",
    },
}


def audience(client_id):
    """Makes access tokens be for the client itself, as those do who want to check them there."""
    config = {"included.client.audience": client_id, "access.token.claim": "true", "id.token.claim": "false"}
    audience = {"name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper"}
    return audience | {"config": config}


class Keycloak(Peer):
    """The server, with one realm of one person."""

    def __init__(self):
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.entity_id = f"{self.url}/realms/{REALM}"
        self.metadata_url = f"{self.entity_id}/protocol/saml/descriptor"
        self.logout_url, self.signed_out = f"{self.entity_id}/protocol/openid-connect/logout", "You are logged out"
        self.password = secrets.token_urlsafe()
        self.administrator = requests.Session()
        self.administrator.trust_env = False
        self.process = Process(
            ["bash", HOME / "bin/kc.sh", "start", "--optimized", "--cache=local", "--http-enabled=true"]
            + ["--http-host=127.0.0.1", f"--http-port={port}", f"--hostname={self.url}"],
            env=plain_environment(
                KC_BOOTSTRAP_ADMIN_USERNAME="admin",
                KC_BOOTSTRAP_ADMIN_PASSWORD=self.password,
                JAVA_OPTS_APPEND="-XX:TieredStopAtLevel=1",
            ),
        )

    def up(self):
        """Waits until it answers, and sets up the realm."""
        self.wait_for(f"{self.url}/realms/master", BOOT)
        self.administer("POST", "", json=PEOPLE)
        return self

    def administer(self, method, path, **options):
        """A call to the administration interface; its answer."""
        answer = self.administrator.request(method, f"{self.url}/admin/realms{path}", timeout=PATIENCE, **options)
        if answer.status_code == 401:
            # The first call, or a token that is a minute old.
            grant = dict(grant_type="password", client_id="admin-cli", username="admin", password=self.password)
            token_url = f"{self.url}/realms/master/protocol/openid-connect/token"
            token = requests.post(token_url, data=grant, timeout=PATIENCE).json()["access_token"]
            self.administrator.headers["Authorization"] = f"Bearer {token}"
            return self.administer(method, path, **options)
        assert answer.ok, f"{answer.status_code} {answer.text}"
        return answer

    def register(self, broker, name, settings):
        """Settings are attributes of the client, but for `roles`: AWS's pairs, granted to the person."""
        client = self.administer(
            "POST",
            f"/{REALM}/client-description-converter",
            data=requests.get(broker.entity_id(name), timeout=PATIENCE).content,
            headers={"Content-Type": "application/xml"},
        ).json()
        client |= {"protocolMappers": MAPPERS, "frontchannelLogout": True}
        # Left open, Keycloak takes it that requests are signed, and spends seconds on a key for them.
        client["attributes"].setdefault("saml.client.signature", "false")
        client["attributes"] |= {key: value for key, value in settings.items() if key != "roles"}
        client["attributes"] |= {"saml_idp_initiated_sso_url_name": self.url_name(broker, name)}
        client["attributes"] |= {"saml.metadataDescriptorUrl": broker.entity_id(name)}
        if "roles" in settings:
            # By default every role of the realm is listed, under a name that AWS does not know.
            client |= {"protocolMappers": AWS_MAPPERS, "fullScopeAllowed": False, "defaultClientScopes": []}
        made = self.administer("POST", f"/{REALM}/clients", json=client)
        self.grant(made.headers["Location"].rsplit("/", 1)[1], settings.get("roles", []), broker.saml_arn(name))

    def grant(self, client, roles, provider):
        """Gives the person those roles of the client."""
        if not roles:
            return
        for role in roles:
            self.administer("POST", f"/{REALM}/clients/{client}/roles", json={"name": role.format(provider=provider)})
        made = self.administer("GET", f"/{REALM}/clients/{client}/roles").json()
        person = self.administer("GET", f"/{REALM}/users?username=ann").json()[0]["id"]
        self.administer("POST", f"/{REALM}/users/{person}/role-mappings/clients/{client}", json=made)

    def client(self, client_id, redirect_uri, secret=None, signed_out="", backchannel=""):
        """An OpenID Connect client; without a secret a public one. Both have to use PKCE."""
        client = {"clientId": client_id, "redirectUris": [redirect_uri], "protocol": "openid-connect"}
        client |= {"publicClient": not secret, "secret": secret}
        client |= {"protocolMappers": [REALM_ROLES, audience(client_id)]}
        attributes = {"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": signed_out}
        client |= {"attributes": attributes | {"backchannel.logout.url": backchannel, "backchannel.logout.session.required": "true"}}
        self.administer("POST", f"/{REALM}/clients", json=client)

    def application(self, client_id):
        """An application in its own right, which takes its people's tokens elsewhere."""
        endpoint = f"{self.entity_id}/protocol/openid-connect"
        application = Application(client_id, f"{endpoint}/auth", f"{endpoint}/token", f"{self.url}/landed")
        self.client(client_id, application.redirect_uri)
        return application

    def sign_out(self, page):
        """From the question whether one is sure to wherever it sends one."""
        return page.submit()

    @contextmanager
    def another_key(self):
        """A new key, which signs from now on; the old one stays published."""
        key = {"providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider"}
        key |= {"name": "next", "config": {"priority": ["1000"], "keySize": ["2048"]}}
        made = self.administer("POST", f"/{REALM}/components", json=key).headers["Location"]
        yield
        self.administer("DELETE", f"/{REALM}/components/{made.rsplit('/', 1)[1]}")

    def portal_url(self, broker, name):
        return f"{self.entity_id}/protocol/saml/clients/{self.url_name(broker, name)}"

    @staticmethod
    def url_name(broker, name):
        """Brokers of other tests have providers of the same name, and Keycloak would take the first."""
        return f"{name}-{broker.url.rsplit(':', 1)[1]}"
