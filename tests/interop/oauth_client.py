"""OAuth client libraries that are not ours, each behind the same calls: npm's openid-client with
oauth4webapi, by `oauth_client.mjs`, and Authlib with requests."""

import itertools
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from broker import PATIENCE, Process, eventually, plain_environment

SCRIPT = Path(__file__).with_name("oauth_client.mjs")
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True)
class Client:
    """Who asks, and how it proves to be that."""

    id: str
    secret: str | None = None
    method: str = "none"


class Refused(Exception):
    """What a library says of an answer that is none."""

    def __init__(self, status=None, error=None, code=None, challenges=None):
        super().__init__(status, error, code, challenges)
        self.status, self.error, self.code, self.challenges = status, error, code, challenges


def refusal(call, *arguments, **parameters):
    """Status and error of a call that must be refused by the server, or the code of a library that refuses it."""
    try:
        answer = call(*arguments, **parameters)
    except Refused as refused:
        return refused.code or (refused.status, refused.error)
    raise AssertionError(f"accepted: {answer}")


class OpenidClient:
    """The libraries of npm. Keys go by names, `{algorithm}-{anything}`."""

    name = "openid-client"

    def __init__(self, issuer):
        self.ids = itertools.count()
        self.process = Process(
            ["node", SCRIPT, issuer],
            stdin=subprocess.PIPE,
            env=plain_environment(INTEROP_WORK=os.environ["INTEROP_WORK"]),
        )

    def start(self, call, client, **asked):
        """Begins a call, which `answer` gets the answer of."""
        number = next(self.ids)
        line = json.dumps({"id": number, "call": call, "client": client.__dict__} | asked)
        self.process.child.stdin.write(line + "\n")
        self.process.child.stdin.flush()
        return number

    def answer(self, number):
        def said():
            assert self.process.child.poll() is None, self.process.output
            lines = [json.loads(line) for line in list(self.process.lines) if line.startswith('{"id":')]
            return next((line for line in lines if line["id"] == number), None)

        answer = eventually(said, f"an answer of {SCRIPT.name}: {self.process.output}")
        if "refused" in answer:
            raise Refused(**answer["refused"])
        return answer["is"]

    def call(self, call, client, **asked):
        return self.answer(self.start(call, client, **asked))

    def exchange(self, client, key=None, **parameters):
        return self.call("exchange", client, parameters=parameters, key=key)

    def client_credentials(self, client):
        return self.call("clientCredentials", client)

    def refresh(self, client, token, key=None):
        return self.call("refresh", client, token=token, key=key)

    def introspect(self, client, token):
        return self.call("introspect", client, token=token)

    def revoke(self, client, token):
        return self.call("revoke", client, token=token)

    def begin(self, client, **parameters):
        return self.call("begin", client, parameters=parameters)

    def poll(self, client, begun, key=None):
        return self.call("poll", client, begun=begun, key=key)

    def stop(self):
        self.process.child.stdin.close()
        assert self.process.wait() == 0, self.process.output


class Authlib:
    """Its endpoints are those of the server's metadata. It knows no DPoP."""

    name = "Authlib"

    def __init__(self, issuer):
        url = f"{issuer}/.well-known/oauth-authorization-server"
        self.server = requests.get(url, timeout=PATIENCE).json()

    def ask(self, client, call):
        """What `call` gets with a session of the client; its refusals tell no status, so it is looked at here."""
        statuses = []
        with OAuth2Session(
            client.id,
            client.secret,
            token_endpoint_auth_method=client.method,
            revocation_endpoint_auth_method=client.method,
        ) as session:
            session.trust_env = False
            session.hooks["response"].append(lambda answer, **_: statuses.append(answer.status_code))
            try:
                answer = call(session)
            except OAuthError as error:
                raise Refused(statuses[-1], error.error) from error
        if isinstance(answer, dict):
            assert statuses == [200]
            return dict(answer)
        if answer.status_code != 200:
            raise Refused(answer.status_code, answer.json()["error"])
        return answer.json() if answer.content else None

    def exchange(self, client, **parameters):
        url = self.server["token_endpoint"]
        return self.ask(client, lambda it: it.fetch_token(url, grant_type=TOKEN_EXCHANGE, **parameters))

    def client_credentials(self, client):
        url = self.server["token_endpoint"]
        return self.ask(client, lambda it: it.fetch_token(url, grant_type="client_credentials"))

    def refresh(self, client, token):
        return self.ask(client, lambda it: it.refresh_token(self.server["token_endpoint"], token))

    def introspect(self, client, token):
        return self.ask(client, lambda it: it.introspect_token(self.server["introspection_endpoint"], token))

    def revoke(self, client, token):
        return self.ask(client, lambda it: it.revoke_token(self.server["revocation_endpoint"], token))

    def begin(self, client, **parameters):
        """It has no call for this; the form is one of RFC 8628 section 3.1."""
        url = self.server["device_authorization_endpoint"]
        auth = lambda it: it.client_auth(client.method)
        return self.ask(client, lambda it: it.post(url, data=parameters, auth=auth(it), withhold_token=True))

    def poll(self, client, begun):
        url, code = self.server["token_endpoint"], begun["device_code"]
        return self.ask(client, lambda it: it.fetch_token(url, grant_type=DEVICE_CODE, device_code=code))

    def stop(self):
        pass
