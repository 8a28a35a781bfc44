"""The broker under test: the real binary, `serve` or `demo`, on ports of its own."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import requests

BINARY = os.environ["ROLEGATE_BIN"]
PATIENCE = 30  # seconds until something that should happen is said not to happen

ACCOUNT = "111122223333"
DEPLOY = f"arn:aws:iam::{ACCOUNT}:role/eng/Deploy"
READ_ONLY = f"arn:aws:iam::{ACCOUNT}:role/eng/ReadOnly"
CLOSED = f"arn:aws:iam::{ACCOUNT}:role/eng/Closed"
BUILDER = f"arn:aws:iam::{ACCOUNT}:role/ci/Builder"
SHORT = f"arn:aws:iam::{ACCOUNT}:role/ci/Short"


@dataclass(frozen=True)
class AttributeNames:
    """What a provider calls the attributes that the rules look at, and the group that counts."""

    groups: str = "groups"
    email: str = "email"
    team: str = "team"
    group: str = "platform"
    # The expression for the source identity.
    who: str = "subject"


def eventually(condition, what, patience=PATIENCE):
    """The first true value of `condition`, asked again and again until the deadline."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {patience} s for {what}")


def free_ports(count):
    """Ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def plain_environment(**more):
    """An environment without proxies, AWS settings, or a log level of the caller's."""
    unwanted = re.compile(r"AWS_|RUST_LOG|.*_proxy$", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not unwanted.match(name)}
    return kept | {key: str(value) for key, value in more.items()}


class Process:
    """A child whose output is kept, line by line, as it comes."""

    def __init__(self, arguments, **options):
        self.lines = []
        self.child = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **{"env": plain_environment()} | options,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.append(line)

    @property
    def output(self):
        return "".join(self.lines)

    def signal(self, number):
        self.child.send_signal(number)

    def wait(self):
        """The exit code, once it has ended by itself."""
        code = self.child.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code

    def stop(self):
        """Ends it, gently if it listens, and gives its exit code."""
        if self.child.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.wait()
            raise


class Broker:
    """`rolegate serve` on a configuration in a folder of its own."""

    def __init__(self, folder, certificate=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificate = certificate
        public, operations = free_ports(2)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{public}"
        self.address = ("127.0.0.1", public)
        self.operations = f"http://127.0.0.1:{operations}"
        self.process = None
        self.earlier_output = ""
        self.providers, self.sign_ins = [], []
        self.settings = f"""
public_url = "{self.url}"
[listen]
public = "127.0.0.1:{public}"
operations = "127.0.0.1:{operations}"
[store]
kind = "embedded"
path = "store"
[sealing]
ring = "keys/ring"
[log]
level = "info"
[[account]]
id = "{ACCOUNT}"
alias = "prod"
"""
        if certificate:
            self.settings += f'[tls]\ncertificate = "{certificate.chain}"\nkey = "{certificate.key}"\n'

    @property
    def config(self):
        return self.folder / "rolegate.toml"

    @property
    def output(self):
        return self.earlier_output + (self.process.output if self.process else "")

    def check_behind(self, page):
        """The check that refused, by the log's line about the request of an error page."""
        request_id = re.search("Request id: .*?([0-9a-f-]{36})", page)[1]
        line = f'id="{request_id}".* audit: event="refused" .*check="([^"]+)"'
        return eventually(lambda: re.search(line, self.output), f"a refusal of {request_id}")[1]

    def acs(self, provider):
        return f"{self.url}/saml/{provider}/acs"

    def entity_id(self, provider):
        return f"{self.url}/saml/{provider}/metadata"

    def saml_arn(self, provider):
        return f"arn:aws:iam::{ACCOUNT}:saml-provider/{provider}"

    def trust_saml(self, name, metadata, options="", attributes=AttributeNames()):
        """Registers an identity provider by the metadata it made itself, or their URL, and a rule for its people."""
        source = f'url = "{metadata}"'
        if isinstance(metadata, bytes):
            source = f'file = "{name}.xml"'
            (self.folder / f"{name}.xml").write_bytes(metadata)
        self.providers.append(self.saml_arn(name))
        self.settings += f"""
[[provider]]
kind = "saml"
name = "{name}"
account = "{ACCOUNT}"
metadata = {{ {source} }}
idp_initiated = true
{options}
[[rule]]
name = "platform people of {name}"
provider = "{name}"
when = '"{attributes.group}" in attr["{attributes.groups}"]'
roles = ["{DEPLOY}", "{READ_ONLY}", "{CLOSED}"]
session_name = 'attr["{attributes.email}"][0]'
source_identity = '{attributes.who}'
tags = {{ team = 'attr["{attributes.team}"][0]' }}
"""

    def trust_oidc(self, issuer, client="builder", options=""):
        """Registers an OpenID Connect issuer, and two roles for its tokens."""
        host = issuer.split("://", 1)[1]
        arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
        trust = statement(arn, "sts:AssumeRoleWithWebIdentity")
        trust["Condition"] = {"StringEquals": {f"{host}:aud": client}, "StringLike": {f"{host}:sub": "repo:*"}}
        self.add_role(BUILDER, trust)
        self.add_role(SHORT, trust)
        self.settings += f"""
[[provider]]
kind = "oidc"
name = "ci"
account = "{ACCOUNT}"
issuer = "{issuer}"
client_ids = ["{client}"]
allow_loopback_http = true
{options}
[[rule]]
name = "main builds"
provider = "ci"
when = '"refs/heads/main" in attr.ref'
roles = ["{BUILDER}"]
[[rule]]
name = "main builds, shortly"
provider = "ci"
when = '"refs/heads/main" in attr.ref'
roles = ["{SHORT}"]
duration = "15m"
"""
        return arn

    def trust_people(
        self, name, issuer, clients, when, options="", secret="a secret of the client", scopes=("profile", "email")
    ):
        """Registers an OpenID Connect issuer: its people sign in as the first client, and take tokens for each."""
        host = issuer.split("://", 1)[1]
        actions = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]
        trust = statement(f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}", actions)
        self.sign_ins.append(trust | {"Condition": {"StringEquals": {f"{host}:aud": list(clients)}}})
        (self.folder / f"{name}.secret").write_text(secret)
        self.settings += f"""
[[provider]]
kind = "oidc"
name = "{name}"
label = "People of {name}"
account = "{ACCOUNT}"
issuer = "{issuer}"
client_ids = {json.dumps(list(clients))}
allow_loopback_http = {json.dumps(issuer.startswith("http://"))}
{options}
[provider.login]
client_id = "{clients[0]}"
client_secret = {{ file = "{name}.secret" }}
scopes = {json.dumps(list(scopes))}
[[rule]]
name = "platform people of {name}"
provider = "{name}"
when = '{when}'
roles = ["{DEPLOY}", "{READ_ONLY}"]
session_name = 'claim.email'
source_identity = 'subject'
"""

    def callback(self, provider):
        return f"{self.url}/oidc/{provider}/callback"

    def backchannel(self, provider):
        """Where a provider tells that somebody signed out there."""
        return f"{self.url}/oidc/{provider}/backchannel-logout"

    def signed_out(self, provider):
        """Where a provider sends somebody who signed out there on our behalf."""
        return f"{self.url}/oidc/{provider}/signed-out"

    def add_role(self, arn, *trust, options=""):
        name = arn.rsplit("/", 1)[1]
        self.write_policy(f"{name}-trust.json", *trust)
        self.settings += f"""
[[role]]
arn = "{arn}"
trust_policy = "{name}-trust.json"
policies = ["anything.json"]
{options}
"""

    def add_upstream(self, name, url, key, options=""):
        """Somebody else's STS, and the access key that the broker has there."""
        path = self.folder / f"{name}-key"
        path.write_text(key["SecretAccessKey"])
        path.chmod(0o600)
        self.settings += f"""
[[upstream]]
name = "{name}"
endpoint = "{url}"
access_key = {{ id = "{key["AccessKeyId"]}", secret = {{ file = "{name}-key" }} }}
{options}
"""

    def allow_rule(self, name, roles, more=""):
        """What everybody with a token of the provider `ci` is offered."""
        self.settings += f"""
[[rule]]
name = "{name}"
provider = "ci"
when = 'true'
roles = {json.dumps(roles)}
{more}
"""

    def add_user(self, arn, keys, serial, app):
        """A user with one access key and an authenticator app."""
        for name, secret in ("user-key", keys["SecretAccessKey"]), ("user-app", app):
            path = self.folder / name
            path.write_text(secret + "\n")
            path.chmod(0o600)
        self.settings += f"""
[[user]]
arn = "{arn}"
policies = ["anything.json"]
mfa = {{ serial = "{serial}", secret = {{ file = "user-app" }} }}
[[user.access_key]]
id = "{keys["AccessKeyId"]}"
secret = {{ file = "user-key" }}
"""

    def add_service(self, client):
        """A client that may ask whose requests it got."""
        path = self.folder / f"{client}-secret"
        path.write_text(secrets.token_hex(32))
        path.chmod(0o600)
        self.settings += f'''
[[client]]
id = "{client}"
secret = {{ file = "{client}-secret" }}
authorization = true
'''

    def write_policy(self, name, *statements):
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        (self.folder / name).write_text(json.dumps(document))

    def write(self):
        """The configuration as files."""
        self.write_policy("anything.json", {"Effect": "Allow", "Action": "*", "Resource": "*"})
        people = list(self.sign_ins)
        if self.providers:
            actions = ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"]
            trust = statement(self.providers, actions)
            trust["Condition"] = {
                "StringEquals": {"SAML:aud": [self.acs(arn.rsplit("/", 1)[1]) for arn in self.providers]}
            }
            people.append(trust)
            self.add_role(CLOSED, statement(self.saml_arn("somebody-else"), actions))
        if people:
            for arn in DEPLOY, READ_ONLY:
                self.add_role(arn, *people)
        self.config.write_text(self.settings)

    def start(self, ready="readyz", **options):
        """Runs it, until it says that it is ready, or alive. Options go to the process."""
        if not self.config.exists():
            self.write()
        self.earlier_output = self.output
        self.process = Process([BINARY, "serve", "--config", self.config], **options)

        def says_so():
            assert self.process.child.poll() is None, self.output
            try:
                return requests.get(f"{self.operations}/{ready}", timeout=5).status_code == 200
            except requests.ConnectionError:
                return False

        eventually(says_so, f"/{ready}")
        return self

    def dependency(self, name):
        """What `/readyz` says about a dependency."""
        said = requests.get(f"{self.operations}/readyz", timeout=PATIENCE).json()
        return next(each for each in said["dependencies"] if each["name"] == name)

    def metric(self, name, **labels):
        """The value of a metric with these labels, or nothing if there is none."""
        said = requests.get(f"{self.operations}/metrics", timeout=PATIENCE).text
        series = ",".join(f'{label}="{value}"' for label, value in labels.items())
        found = re.search(rf"^{name}\{{{series}\}} (\S+)$", said, re.MULTILINE)
        return found and float(found[1])

    def stop(self):
        return self.process.stop() if self.process else 0


def statement(principal, action):
    """An Allow for federated principals."""
    return {"Effect": "Allow", "Principal": {"Federated": principal}, "Action": action}


def run(*arguments, environment=None, **options):
    """Runs the binary to its end, with this beside a plain environment."""
    return subprocess.run(
        [BINARY, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=plain_environment(**(environment or {})),
        timeout=PATIENCE,
        **options,
    )
