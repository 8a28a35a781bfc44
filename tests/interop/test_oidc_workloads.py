"""Workloads with a token of their platform, under unmodified SDKs: a Kubernetes-shaped projected
token file that the kubelet replaces, and a GitHub-Actions-shaped token."""

import os
import time
import uuid

import botocore.session
import pytest

from broker import ACCOUNT, Broker, run, statement
from clients import DENIED, INVALID, aws, refusal, with_token
from issuer import Issuer

POD = f"arn:aws:iam::{ACCOUNT}:role/pods/Photos"
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/ci/Deployer"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Photos/uploader"
ALREADY_USED = ("InvalidIdentityToken", "Response has already been used", 400)
SEVERAL = (
    "InvalidIdentityToken",
    "Token audience contains more than one audience while authorized party is not present",
    400,
)
ACCOUNT_OF_PHOTOS = "system:serviceaccount:photos:uploader"


@pytest.fixture
def world(tmp_path):
    """An issuer and its broker."""
    issuer, broker = Issuer(), Broker(tmp_path / "broker")
    yield issuer, broker
    assert broker.stop() == 0, broker.output
    if issuer.thread.is_alive():
        issuer.die()


def trust(broker, issuer, role, conditions, provider, rule):
    """A provider, and a role whose trust policy asks what the conditions say of its tokens."""
    host = issuer.url.split("://")[1]
    allowed = statement(f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}", "sts:AssumeRoleWithWebIdentity")
    allowed["Condition"] = {
        operator: {f"{host}:{claim}": value for claim, value in claims.items()}
        for operator, claims in conditions.items()
    }
    broker.add_role(role, allowed)
    broker.settings += f"""
[[provider]]
kind = "oidc"
name = "platform"
account = "{ACCOUNT}"
issuer = "{issuer.url}"
allow_loopback_http = true
{provider}
[[rule]]
name = "workloads"
provider = "platform"
roles = ["{role}"]
{rule}
"""


class Volume:
    """A projected volume as the kubelet keeps it: one rename of a link changes all of it at once."""

    def __init__(self, folder, issuer):
        self.folder, self.issuer = folder, issuer
        folder.mkdir()
        (folder / "token").symlink_to("..data/token")
        self.token = folder / "token"

    def project(self, key, account=ACCOUNT_OF_PHOTOS, **changes):
        """The next token, signed by `key`."""
        _, _, namespace, name = account.split(":")
        pod = {"name": f"{name}-7c9f", "uid": str(uuid.uuid4())}
        claims = {
            "sub": account,
            "aud": ["sts.amazonaws.com"],
            "exp": int(time.time()) + 3600,
            "ref": None,
            "kubernetes.io": {
                "namespace": namespace,
                "node": {"name": "node-1", "uid": str(uuid.uuid4())},
                "pod": pod,
                "serviceaccount": {"name": name, "uid": str(uuid.uuid4())},
                "warnafter": int(time.time()) + 3000,
            },
        }
        version = f"..{uuid.uuid4().hex}"
        (self.folder / version).mkdir()
        (self.folder / version / "token").write_text(self.issuer.token(key, **claims | changes))
        (self.folder / "..data_tmp").symlink_to(version)
        os.rename(self.folder / "..data_tmp", self.folder / "..data")

    def environment(self, broker):
        """What the pod's containers are given."""
        return {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.token),
            "AWS_ROLE_ARN": POD,
            "AWS_ROLE_SESSION_NAME": "uploader",
            "AWS_ENDPOINT_URL_STS": broker.url,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }


@pytest.fixture
def pod(world, tmp_path, monkeypatch):
    """A pod whose service account may be a role, for a quarter of an hour at a time."""
    issuer, broker = world
    # A cluster needs no such `replay`. With it only a token that was never shown is of any use.
    provider = 'preset = "kubernetes"\nreplay = "once"'
    rule = """when = 'claim["kubernetes.io"].namespace == "photos"'\nduration = "15m\""""
    conditions = {"StringEquals": {"aud": "sts.amazonaws.com", "sub": ACCOUNT_OF_PHOTOS}}
    trust(broker, issuer, POD, conditions, provider, rule)
    volume = Volume(tmp_path / "serviceaccount", issuer)
    for name, value in volume.environment(broker).items():
        monkeypatch.setenv(name, value)
    return volume


def test_projected_token(world, pod):
    """An SDK gets new credentials by each token that the kubelet brings, over a change of the cluster's key."""
    issuer, broker = world
    first = issuer.add_key("RS256")
    broker.start()
    session = botocore.session.Session()
    access_key = lambda: session.get_credentials().get_frozen_credentials().access_key
    whoami = lambda: session.create_client("sts").get_caller_identity()["Arn"]
    seen = []
    for turn in range(6):
        if turn == 3:
            second = issuer.add_key("RS256")
        pod.project(first if turn < 3 else second)
        seen.append(access_key())
        # To the SDK a session of a quarter of an hour is always due; but this token was shown already.
        assert access_key() == seen[-1]
        assert whoami() == SESSION
    assert len(set(seen)) == 6
    assert 'came="' + second in broker.output
    # Another program in the pod reads the file for itself.
    pod.project(second)
    assert aws(broker, "sts", "get-caller-identity", **pod.environment(broker))["Arn"] == SESSION
    token = pod.token.read_text()
    assert refusal(with_token, broker, POD, token) == ALREADY_USED


def test_other_service_accounts(world, pod):
    """Everybody in the cluster has a token; the role is for one account, and for tokens that are meant for it."""
    issuer, broker = world
    key = issuer.add_key("ES256")
    broker.start()
    for account, changes, expected in [
        ("system:serviceaccount:photos:viewer", {}, DENIED),
        ("system:serviceaccount:other:uploader", {}, DENIED),
        (ACCOUNT_OF_PHOTOS + "-2", {}, DENIED),
        (ACCOUNT_OF_PHOTOS, {"kubernetes.io": {"namespace": "other"}}, DENIED),
        (ACCOUNT_OF_PHOTOS, {"aud": ["https://kubernetes.default.svc"]}, INVALID),
        (ACCOUNT_OF_PHOTOS, {"aud": ["sts.amazonaws.com", "vault"]}, SEVERAL),
        (ACCOUNT_OF_PHOTOS, {"jti": None}, INVALID),
    ]:
        pod.project(key, account, **changes)
        assert refusal(with_token, broker, POD, pod.token.read_text()) == expected, (account, changes)
    pod.project(key)
    answer = with_token(broker, POD, pod.token.read_text())
    assert answer["SubjectFromWebIdentityToken"] == ACCOUNT_OF_PHOTOS


@pytest.mark.parametrize("account", ["*", "system:serviceaccount:*", "system:*:uploader"])
def test_a_role_for_the_whole_cluster(world, account):
    """With the preset such a trust policy is a mistake, which is told before anything runs."""
    issuer, broker = world
    conditions = {"StringLike": {"aud": "sts.amazonaws.com", "sub": account}}
    trust(broker, issuer, POD, conditions, 'preset = "kubernetes"', 'when = "true"')
    broker.write()
    checked = run("check", "--config", broker.config)
    assert checked.returncode == 2
    assert "lets everybody in who has a token of" in checked.stdout + checked.stderr


def job(**changes):
    """What GitHub says of a job of a workflow; the preset's issuer is fixed, so it is shaped like its tokens."""
    repository, ref = "octo-org/octo-repo", "refs/heads/main"
    return {
        "sub": f"repo:{repository}:environment:prod",
        "aud": "sts.amazonaws.com",
        "ref": ref,
        "sha": uuid.uuid4().hex,
        "repository": repository,
        "repository_owner": "octo-org",
        "repository_id": "74",
        "repository_owner_id": "65",
        "repository_visibility": "private",
        "actor": "octocat",
        "actor_id": "12",
        "environment": "prod",
        "event_name": "workflow_dispatch",
        "ref_type": "branch",
        "ref_protected": "true",
        "job_workflow_ref": f"{repository}/.github/workflows/deploy.yml@{ref}",
        "workflow_ref": f"{repository}/.github/workflows/deploy.yml@{ref}",
        "workflow": "deploy",
        "run_id": "1234567890",
        "run_number": "10",
        "run_attempt": "2",
        "runner_environment": "github-hosted",
        "head_ref": "",
        "base_ref": "",
    } | changes


def test_github_actions_job(world):
    """The trust policy asks for the repository, the rule for the workflow on a protected branch."""
    issuer, broker = world
    key = issuer.add_key("RS256")
    conditions = {"StringEquals": {"aud": "sts.amazonaws.com"}, "StringLike": {"sub": "repo:octo-org/octo-repo:*"}}
    rule = """when = '"true" in attr.ref_protected && claim.environment == "prod"'
session_name = '"run-" + claim.run_id'
"""
    trust(broker, issuer, DEPLOYER, conditions, 'client_ids = ["sts.amazonaws.com"]\nalgorithms = ["RS256"]', rule)
    broker.start()
    answer = with_token(broker, DEPLOYER, issuer.token(key, **job()))
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::111122223333:assumed-role/Deployer/run-1234567890"
    for changes, expected in [
        ({"sub": "repo:octo-org/octo-repo-fork:environment:prod"}, DENIED),
        ({"sub": "repo:evil/octo-repo:environment:prod"}, DENIED),
        ({"ref_protected": "false"}, DENIED),
        ({"environment": "staging"}, DENIED),
        # A job may ask for any audience: here for what other clouds' examples say.
        ({"aud": "https://github.com/octo-org"}, INVALID),
    ]:
        assert refusal(with_token, broker, DEPLOYER, issuer.token(key, **job(**changes))) == expected, changes
