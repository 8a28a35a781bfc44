"""A person in headless Chromium who signs in through npm's oidc-provider: portal, login, consent, role
picker, console, and out again; with JavaScript and without."""

import json
import subprocess
from pathlib import Path

import pytest

from broker import PATIENCE, READ_ONLY, Broker, plain_environment

WALK = Path(__file__).with_name("sign_in.mjs")
SECRET = "a secret of the client"


@pytest.fixture(scope="module")
def broker(folder, oidc_provider):
    broker = Broker(folder / "broker")
    broker.trust_people("staff", oidc_provider.url, ["rolegate"], '"platform" in claim.groups', secret=SECRET)
    oidc_provider.client("rolegate", broker.callback("staff"), SECRET, broker.signed_out("staff"))
    oidc_provider.up("RS256-1")
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_sign_in(broker, oidc_provider, scripts):
    job = dict(broker=broker.url, label="People of staff", role=READ_ONLY)
    job |= dict(width=390, height=844, scheme="light", scripts=scripts)
    walk = subprocess.run(
        ["node", WALK, json.dumps(job)], capture_output=True, text=True, timeout=4 * PATIENCE, env=plain_environment()
    )
    assert walk.returncode == 0, walk.stderr
    seen = json.loads(walk.stdout)
    assert "failure" not in seen, seen["failure"] + "\n" + json.dumps(seen["pages"][-1:], indent=1)
    ours, theirs = broker.url, oidc_provider.url
    assert [(page["origin"], page["heading"]) for page in seen["pages"]] == [
        (ours, "Sign in"),
        (theirs, "Sign-in"),
        (theirs, "Authorize"),
        (ours, "Your roles"),
        (ours, "ReadOnly"),
        (theirs, f"Do you want to sign-out from {theirs.split('//')[1]}?"),
        (ours, "You are signed out"),
        (ours, "Sign in"),
    ]
    assert "assumed-role/ReadOnly/ann@example.com" in seen["pages"][4]["text"]
    assert sorted((each["name"], each["httpOnly"], each["sameSite"]) for each in seen["cookies"]) == [
        ("rolegate-console", True, "Lax"),
        ("rolegate-portal", True, "Lax"),
    ]
    # No violation of a content security policy of ours, no script error, no dialog.
    assert [each for each in seen["complaints"] if each.startswith(ours)] == []
    assert seen["dialogs"] == []
