"""AWS's own SDKs, each in a program of its own below `sdks`, found by their users' environment alone.

Each program gets credentials for `AWS_ROLE_ARN` by the token in `AWS_WEB_IDENTITY_TOKEN_FILE`, and once more as if they
were about to end; assumes `NEXT_ROLE` by them, with a tag; tries `VAULT_ROLE`, which asks for a second factor; asks with all
three whose they are; and prints one line of JSON: `first`, `renewed` and `chained` with `id` and `arn`, and the code by which
it was `refused`. Python's SDK is at home in the other modules.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from broker import ACCOUNT, PATIENCE, Broker, plain_environment, statement

SDKS = Path(__file__).with_name("sdks")
BUILT = Path(os.environ["INTEROP_WORK"]) / "sdks"
CLIENTS = {
    "go": [BUILT / "go" / "client"],
    "java": ["java", "-cp", BUILT / "java" / "*", SDKS / "java" / "Client.java"],
    "javascript": ["node", SDKS / "client.mjs"],
    "rust": [BUILT / "rust" / "debug" / "rolegate-sdk-client"],
}
START, NEXT, VAULT = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("Start", "Next", "Vault"))


def configure(broker, issuer, options="", rule=""):
    """Three roles: for tokens of the issuer, for sessions of that one, and for those with a second factor."""
    provider = broker.trust_oidc(issuer, options=options)
    account = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    broker.add_role(START, statement(provider, "sts:AssumeRoleWithWebIdentity"))
    broker.add_role(NEXT, account)
    broker.add_role(VAULT, account | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}})
    broker.allow_rule("start", [START], rule)


def settings(broker, token_file):
    """By what an SDK finds the broker and its token."""
    return {
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_STS": broker.url,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_REGION": "eu-central-1",
        "AWS_ROLE_ARN": START,
        "AWS_ROLE_SESSION_NAME": "job-7",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token_file),
    }


def check(sdk, broker, token_file):
    """Runs a program, and holds what it prints against what is right."""
    home = Path(token_file).parent
    environment = plain_environment(HOME=home, NEXT_ROLE=NEXT, VAULT_ROLE=VAULT, **settings(broker, token_file))
    command = [str(part) for part in CLIENTS[sdk]]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, env=environment)
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role"
    assert [said[which]["arn"] for which in ("first", "renewed", "chained")] == [
        f"{session}/Start/job-7", f"{session}/Start/job-7", f"{session}/Next/next",
    ]  # fmt: skip
    assert len({said[which]["id"] for which in ("first", "renewed", "chained")}) == 3
    assert said["refused"] == "AccessDenied"


@pytest.fixture(scope="module")
def broker(folder, issuer):
    broker = Broker(folder / "broker")
    configure(broker, issuer.url)
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


@pytest.mark.parametrize("sdk", CLIENTS)
def test_obtains_renews_chains_and_calls(broker, token, tmp_path, sdk):
    (tmp_path / "token").write_text(token)
    check(sdk, broker, tmp_path / "token")
