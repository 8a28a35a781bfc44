"""What a session may do, by /v1/authorize and by npm's iam-simulate, which shares no line with it: thousands of
random policies, requests and sessions."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest
import requests

from broker import ACCOUNT, PATIENCE, Broker, plain_environment, statement

SCRIPT = Path(__file__).with_name("policy_simulator.mjs")
OTHER = "444455556666"
SECRET = "a-secret-of-the-photo-store"
ROUNDS = 4000
SEED = 20261127

ALL = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
READ = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
MINE = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::photos/${aws:PrincipalTag/plan}/*"}
KEEP = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::photos/*"}
# Role, its policies, its boundary.
ROLES = {
    "Nothing": ([], None),
    "All": ([[ALL]], None),
    "Bounded": ([[ALL]], [READ]),
    "Mine": ([[READ, KEEP], [MINE]], None),
    "Mixed": ([[MINE]], [READ, KEEP]),
}
# Service control policies: each account has a world of its own.
CONTROL = {ACCOUNT: [], OTHER: [[[ALL]], [[READ], [MINE]]]}
# What a session's own policy leaves; the first is none.
SESSIONS = [None, [READ], [MINE, KEEP]]
TAGS = {"plan": "gold"}
SESSION = "cleo"

ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
RESOURCES = ["arn:aws:s3:::photos/gold/1", "arn:aws:s3:::photos/1", "arn:aws:s3:::other/gold/1"]
PATTERNS = ["*", "arn:aws:s3:::photos/*", "arn:aws:s3:::photos/${aws:PrincipalTag/plan}/*", "arn:aws:s3:::*/1", "arn:aws:s3:::photos/?"]
DOCUMENTED = {
    "aws:SourceIp": ["192.0.2.7", "203.0.113.7", "2001:db8::7"],
    "aws:RequestedRegion": ["eu-west-1", "us-east-1"],
    "aws:UserAgent": ["curl/8", "aws-cli/2", "x*"],
    "aws:Referer": ["https://photos.example.com/", "https://evil.example.com/"],
    "aws:SecureTransport": ["true", "false"],
}
CONDITIONS = [
    ("StringEquals", "aws:RequestedRegion", ["eu-west-1", "eu-*", "${aws:RequestedRegion}"]),
    ("StringNotEquals", "aws:RequestedRegion", ["eu-west-1"]),
    ("StringEqualsIgnoreCase", "aws:RequestedRegion", ["EU-WEST-1"]),
    ("StringLike", "aws:UserAgent", ["curl/*", "aws-cli/?", "x${*}", "*"]),
    ("StringNotLike", "aws:Referer", ["https://photos.example.com/*"]),
    ("StringLike", "aws:Referer", ["https://*.example.com/", "*evil*"]),
    ("StringEquals", "aws:PrincipalTag/plan", ["gold", "free"]),
    ("StringNotEquals", "aws:PrincipalTag/plan", ["gold"]),
    ("StringEquals", "aws:PrincipalTag/absent", ["gold"]),
    ("StringNotEquals", "aws:PrincipalTag/absent", ["gold"]),
    ("IpAddress", "aws:SourceIp", ["192.0.2.0/24", "2001:db8::/32", "203.0.113.7"]),
    ("NotIpAddress", "aws:SourceIp", ["192.0.2.0/24"]),
    ("Bool", "aws:SecureTransport", ["true", "false"]),
    ("Null", "aws:Referer", ["true", "false"]),
    ("Null", "aws:SourceIp", ["true", "false"]),
    ("DateGreaterThan", "aws:CurrentTime", ["2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"]),
    ("DateLessThan", "aws:TokenIssueTime", ["2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"]),
    ("NumericLessThan", "aws:EpochTime", ["1000", "99999999999"]),
    ("ArnLike", "aws:PrincipalArn", [f"arn:aws:iam::{ACCOUNT}:role/*", f"arn:aws:iam::*:role/Mi*"]),
    ("ArnNotEquals", "aws:PrincipalArn", [f"arn:aws:iam::{ACCOUNT}:role/All"]),
]


class Simulator:
    def __init__(self):
        self.process = subprocess.Popen(
            ["node", SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=plain_environment(INTEROP_WORK=os.environ["INTEROP_WORK"]),
        )

    def ask(self, simulation):
        self.process.stdin.write(json.dumps(simulation) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        assert "result" in told, (told, simulation)
        return {"Allowed": "allow", "ExplicitlyDenied": "explicit-deny", "ImplicitlyDenied": "implicit-deny"}[told["result"]]


def document(statements):
    return {"Version": "2012-10-17", "Statement": statements}


def roles():
    return [(account, name) for account in (ACCOUNT, OTHER) for name in ROLES]


class World:
    """A broker with the roles of both accounts, and a session of each."""

    def __init__(self, folder, issuer):
        self.broker = Broker(folder / "broker")
        host = issuer.url.split("://", 1)[1]
        settings = self.broker.settings
        for account in CONTROL:
            levels = [
                [self.policy(f"control-{account}-{at}-{each}", policy) for each, policy in enumerate(level)]
                for at, level in enumerate(CONTROL[account])
            ]
            if account == OTHER:
                settings += f'[[account]]\nid = "{account}"\nservice_control_policies = {json.dumps(levels)}\n'
            trust = statement(f"arn:aws:iam::{account}:oidc-provider/{host}", ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"])
            trust["Condition"] = {"StringEquals": {f"{host}:aud": "builder"}}
            trust = self.policy(f"trust-{account}", [trust])
            settings += f"""
[[provider]]
kind = "oidc"
name = "ci-{account}"
account = "{account}"
issuer = "{issuer.url}"
client_ids = ["builder"]
allow_loopback_http = true
"""
            for name, (policies, boundary) in ROLES.items():
                files = [self.policy(f"{name}-{each}", policy) for each, policy in enumerate(policies)]
                settings += f'[[role]]\narn = "arn:aws:iam::{account}:role/{name}"\ntrust_policy = "{trust}"\npolicies = {json.dumps(files)}\n'
                if boundary:
                    settings += f'permissions_boundary = "{self.policy(f"{name}-boundary", boundary)}"\n'
        arns = [f"arn:aws:iam::{account}:role/{name}" for account, name in roles()]
        settings += f"""
[[rule]]
name = "everybody"
when = 'true'
roles = {json.dumps(arns)}
tags = {{ plan = '"{TAGS["plan"]}"' }}
[[client]]
id = "photo-store"
secret = {{ file = "photo-store.secret" }}
authorization = true
"""
        secret = self.broker.folder / "photo-store.secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        self.broker.config.write_text(settings)
        self.broker.start()
        (key,) = issuer.signing
        self.tokens = {
            (*role, at): self.session(issuer.token(key), *role, policy)
            for role in roles()
            for at, policy in enumerate(SESSIONS)
        }

    def policy(self, name, statements):
        self.broker.write_policy(f"{name}.json", *statements)
        return f"{name}.json"

    def session(self, token, account, name, policy):
        asked = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": f"arn:aws:iam::{account}:role/{name}",
            "RoleSessionName": SESSION,
            "WebIdentityToken": token,
            **({"Policy": json.dumps(document(policy))} if policy else {}),
        }
        answer = requests.post(self.broker.url, data=asked, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.text.split("<SessionToken>")[1].split("<")[0]

    def ask(self, http, question):
        answer = http.post(
            f"{self.broker.url}/v1/authorize", json=question, auth=("photo-store", SECRET), timeout=PATIENCE
        )
        assert answer.status_code == 200, (answer.text, question)
        return answer.json()


def random_statement(chance, account, name, narrowed):
    boundary, session = ROLES[name][1], f"arn:aws:sts::{account}:assumed-role/{name}/{SESSION}"
    who = [session, f"arn:aws:iam::{account}:role/{name}", account, f"arn:aws:iam::{account}:root", "*", "999988887777"]
    # Where the two are known to differ, nobody is asked. What is granted to everybody: the simulator lets neither
    # boundary nor session policy count, and we do. What is granted to the session by name: AWS lets the session's
    # policy not count (IAM User Guide, session policies), and the simulator does.
    if boundary or narrowed:
        who.remove("*")
    if narrowed:
        who.remove(session)
    effect, element, names = chance.choice(["Allow", "Allow", "Allow", "Deny"]), "Principal", chance.choice(who)
    if effect == "Deny" and chance.random() < 0.4:
        # By every name, or by none: AWS wants every one (IAM User Guide, NotPrincipal), the simulator any.
        element = "NotPrincipal"
        names = chance.choice([[session, f"arn:aws:iam::{account}:role/{name}", account], ["999988887777"]])
    made = {
        "Effect": effect,
        element: {"AWS": names},
        chance.choice(["Action", "Action", "Action", "NotAction"]): chance.choice(["s3:*", "s3:Get*", "s3:PutObject", "S3:getobject"]),
        chance.choice(["Resource", "Resource", "NotResource"]): chance.choice(PATTERNS),
    }
    conditions = {}
    for operator, key, values in chance.sample(CONDITIONS, chance.choice([0, 0, 1, 1, 2])):
        suffix = chance.choice(["", "", "IfExists"]) if operator != "Null" else ""
        some = chance.sample(values, 1 if operator in ("Null", "Bool") else chance.randint(1, len(values)))
        conditions.setdefault(operator + suffix, {})[key] = some
    return made | ({"Condition": conditions} if conditions else {})


@pytest.fixture(scope="module")
def world(folder, issuer):
    world = World(folder, issuer)
    yield world
    assert world.broker.stop() == 0, world.broker.output


def test_both_decide_alike(world):
    simulator, chance, http = Simulator(), random.Random(SEED), requests.Session()
    seen, disputed = {}, []
    for _ in range(ROUNDS):
        account, name = chance.choice(roles())
        policies, boundary = ROLES[name]
        at = chance.randrange(len(SESSIONS))
        action, resource, owner = chance.choice(ACTIONS), chance.choice(RESOURCES), chance.choice([account, account, ACCOUNT, OTHER])
        known = {key: chance.choice(values) for key, values in DOCUMENTED.items() if chance.random() < 0.7}
        policy = None
        if chance.random() < 0.8:
            policy = document([random_statement(chance, account, name, SESSIONS[at]) for _ in range(chance.randint(1, 3))])
        question = {"token": world.tokens[account, name, at], "action": action, "resource": resource, "resource_account": owner, "context": known}
        if policy:
            question["resource_policy"] = json.dumps(policy)
        ours = world.ask(http, question)
        # What the broker knows of the session, and of now.
        facts = {
            "aws:PrincipalArn": f"arn:aws:iam::{account}:role/{name}",
            "aws:PrincipalTag/plan": TAGS["plan"],
            "aws:CurrentTime": "2026-11-27T12:00:00Z",
            "aws:TokenIssueTime": "2026-11-27T11:59:00Z",
            "aws:EpochTime": "1795780800",
        }
        theirs = simulator.ask(
            {
                "request": {
                    "principal": f"arn:aws:sts::{account}:assumed-role/{name}/{SESSION}",
                    "action": action,
                    "resource": {"resource": resource, "accountId": owner},
                    "contextVariables": known | facts,
                },
                "identityPolicies": [{"name": str(at), "policy": document(each)} for at, each in enumerate(policies)],
                "serviceControlPolicies": [
                    {"orgIdentifier": str(at), "policies": [{"name": str(each), "policy": document(it)} for each, it in enumerate(level)]}
                    for at, level in enumerate(CONTROL[account])
                ],
                "resourceControlPolicies": [],
                **({"resourcePolicy": policy} if policy else {}),
                **({"sessionPolicy": document(SESSIONS[at])} if SESSIONS[at] else {}),
                **({"permissionBoundaryPolicies": [{"name": "boundary", "policy": document(boundary)}]} if boundary else {}),
            }
        )
        seen[theirs] = seen.get(theirs, 0) + 1
        if ours["decision"] != theirs:
            disputed.append((ours["decision"], theirs, ours.get("message"), account, name, SESSIONS[at], owner, action, resource, known, policy))
    print(seen)
    assert min(seen.get(each, 0) for each in ("allow", "explicit-deny", "implicit-deny")) > ROUNDS / 20, seen
    assert not disputed, f"{len(disputed)} of {ROUNDS}: " + "\n".join(map(str, disputed[:5]))
