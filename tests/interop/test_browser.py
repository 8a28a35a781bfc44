"""People in a browser: headless Chromium against `rolegate demo`.

Portal, SAML login, role picker by keyboard, console, sign-out, the same by OpenID Connect, a device's sign-in,
and the error pages; on a phone and a desktop, light and dark, and with JavaScript off. The pictures are in
target/interop/screenshots/ for somebody to look at.
"""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from broker import BINARY, PATIENCE, Process, eventually, plain_environment

SHOTS = Path(os.environ["INTEROP_WORK"], "screenshots")
WALK = Path(__file__).with_name("browser.mjs")
PHONE, DESKTOP = (390, 844), (1280, 800)
WALKS = {
    "phone-light": (PHONE, "light", True),
    "phone-dark": (PHONE, "dark", True),
    "desktop-light": (DESKTOP, "light", True),
    "desktop-dark": (DESKTOP, "dark", True),
    "phone-light-no-scripts": (PHONE, "light", False),
}


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    """The demo's sign-in page; Ctrl-C ends the demo well."""
    demo = Process([BINARY, "demo", "--listen", "127.0.0.1:0"], cwd=tmp_path_factory.mktemp("demo"))

    def printed():
        assert demo.child.poll() is None, demo.output
        return "Ctrl-C stops it" in demo.output and re.search(r"http://\S+/portal", demo.output)

    yield eventually(printed, "the guided tour").group()
    demo.signal(signal.SIGINT)
    assert demo.wait() == 0, demo.output


@pytest.fixture(scope="module", params=WALKS)
def seen(request, portal):
    """What one walk saw."""
    (width, height), scheme, scripts = WALKS[request.param]
    SHOTS.mkdir(parents=True, exist_ok=True)
    for old in SHOTS.glob(f"{request.param}-[0-9]*.png"):
        old.unlink()
    job = dict(portal=portal, shots=str(SHOTS / request.param), width=width, height=height)
    job |= dict(scheme=scheme, scripts=scripts)
    walk = subprocess.run(
        ["node", WALK, json.dumps(job)],
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        env=plain_environment(),
    )
    assert walk.returncode == 0, walk.stderr
    seen = json.loads(walk.stdout)
    assert "failure" not in seen, seen["failure"] + "\n" + json.dumps(seen["pages"][-1:], indent=1)
    seen["pages"] = {page["name"].split("-", 1)[1]: page for page in seen["pages"]}
    return seen


def test_sign_in_by_saml(seen):
    """Portal, provider, roles, console: the role that the keyboard found and opened."""
    pages = seen["pages"]
    assert pages["portal"]["heading"] == "Sign in"
    assert pages["roles"]["heading"] == "Your roles"
    assert "prod (111122223333)" in pages["roles"]["text"]
    assert "Deploy" in pages["roles"]["text"] and "Deploy" not in pages["found"]["text"]
    assert pages["console"]["heading"] == "ReadOnly"
    assert "assumed-role/ReadOnly/ann@demo.example" in pages["console"]["text"]


def test_portal(seen):
    """What was chosen last and what is marked come first; credentials are there to copy."""
    text = seen["pages"]["portal-signed-in"]["text"]
    parts = [text.index(part) for part in ("Favourites", "Recent", "All roles")]
    assert parts == sorted(parts)
    credentials = seen["pages"]["credentials"]
    assert credentials["heading"] == "Credentials of Deploy"
    assert "60 min left" in credentials["text"]
    if "copied" in seen:
        assert re.match(r"export AWS_ACCESS_KEY_ID='ASIA[A-Z2-7]{16}'\nexport AWS_SECRET", seen["copied"])


def test_consoles_side_by_side(seen):
    """The one that was opened last, and a link to the other."""
    page = seen["pages"]["side-by-side"]
    assert page["heading"] == "Deploy" and re.search(r"Open beside it\s+ReadOnly", page["text"])
    assert seen["other"] == "ReadOnly"


def test_why(seen):
    """What the provider says of Ann, and what part of which rule keeps her from being an auditor."""
    text = seen["pages"]["why"]["text"]
    assert re.search(r"auditors audit\s+Its condition does not hold for you.", text)
    assert re.search(r'Does not hold\s+"audit" in attr.groups\s+attr.groups is platform, on-call', text)
    assert "ann@demo.example" in text


def test_mail_addresses(seen):
    """Who types an address is shown the ways in of its domain; an unknown one is told."""
    unknown, known = seen["pages"]["mail-unknown"]["text"], seen["pages"]["mail"]["text"]
    assert "No sign-in is set up for this address." in unknown and "Company sign-in (SAML)" in unknown
    assert "Company sign-in to the sandbox (SAML)" in known and "Company sign-in (SAML)" not in known


def test_a_link_to_a_role(seen):
    """It leads to the console of the role, and to no page of somebody else."""
    pages = seen["pages"]
    assert pages["link"]["heading"] == "Deploy"
    assert pages["link-elsewhere"]["heading"] == "This place is not allowed"


def test_admin_pages(seen):
    """Of somebody in charge."""
    pages = seen["pages"]
    assert re.search(r"provider corp\s+ok", pages["admin"]["text"]) and "corp until" in pages["admin"]["text"]
    assert "At the portal, from 127.0.0.1" in pages["admin-sessions"]["text"]
    assert "GRANTED" in pages["admin-explain"]["text"] and "saml.signature" in pages["admin-explain"]["text"]
    assert "The file says what is in force." in pages["admin-rules"]["text"]


def test_picker(seen):
    """At a provider's own address: the role that the keyboard chose."""
    pages = seen["pages"]
    assert pages["picker"]["heading"] == "Choose a role"
    assert "Account: prod (111122223333)" in pages["picker"]["text"]
    assert seen["chosen"] == "arn:aws:iam::111122223333:role/eng/ReadOnly"
    assert pages["picked"]["heading"] == "ReadOnly"


def test_own_sessions(seen):
    """People see the browser that they look with; it has no button of its own."""
    page = seen["pages"]["sessions"]
    assert page["heading"] == "Your sessions"
    browser = r"Chrome on \w+ This browser\s+"
    assert re.search(browser + "ReadOnly in prod, as ann@demo.example, from 127.0.0.1", page["text"])
    assert re.search(browser + "At the portal, from 127.0.0.1", page["text"])
    assert "End all my sessions" in page["text"]


def test_one_role_needs_no_picker(seen):
    """Ben has one role and lands in its console at once."""
    assert seen["pages"]["one-role"]["heading"] == "Auditor"


def test_sign_out(seen):
    """By way of the provider, which is told; then the console sends one to the portal, which knows nobody."""
    out, after = seen["pages"]["signed-out"], seen["pages"]["after"]
    assert out["path"] == "/saml/corp/slo"
    assert "You are signed out here and at your identity provider." in out["text"]
    assert after["path"] == "/portal"
    assert "signed in as" not in after["text"]
    out = seen["pages"]["oidc-signed-out"]
    assert out["path"] == "/oidc/staff/signed-out"
    assert "You are signed out here and at your identity provider." in out["text"]


def test_sign_in_by_oidc(seen):
    """Code and PKCE."""
    pages = seen["pages"]
    assert "sandbox (444455556666)" in pages["oidc-roles"]["text"]
    assert pages["oidc-console"]["heading"] == "Developer"


def test_sign_in_by_a_form(seen):
    """A login request that leaves by POST: by itself, or by a button where scripts don't run."""
    pages = seen["pages"]
    assert pages["form-console"]["heading"] == "Developer"
    if "form" in pages:
        assert pages["form"]["heading"] == "Signing you in"


def test_sign_in_a_device(seen):
    """A code typed and answered by keyboard alone, by SAML and by OpenID Connect; a wrong one is told."""
    pages = seen["pages"]
    assert "No device waits for this code" in pages["device-wrong"]["text"]
    for page in (pages["device-asked"], pages["device-approve"]):
        assert "Demo command line" in page["text"] and "127.0.0.1" in page["text"]
        assert "Go on only if you started this yourself" in page["text"]
    assert pages["device-approve"]["heading"] == "Approve the device?"
    assert seen["device"] == {"status": 200, "version": 1}
    assert pages["device-denied"]["heading"] == "The device was denied"
    assert seen["denied"] == [400, "access_denied"]


def test_error_pages(seen):
    """They say what happened and give a request id."""
    pages = seen["pages"]
    assert pages["no-role"]["heading"] == "No role for you here"
    assert re.search(r"Request id: [0-9a-f-]{36}", pages["no-role"]["text"])
    assert re.search(r"Request id: [0-9a-f-]{36}", pages["not-found"]["text"])


def test_nothing_complains(seen):
    """No violation of the content security policy, no script error, no dialog."""
    assert seen["complaints"] == []
    assert seen["dialogs"] == []


def test_nothing_is_fetched_from_elsewhere(seen):
    """Every request stays on this machine."""
    assert seen["elsewhere"] == []


def test_pages_fit(seen):
    """Nothing has to be scrolled sideways, buttons can be hit by a thumb, inputs have labels."""
    assert {name: page["overflow"] for name, page in seen["pages"].items() if page["overflow"] > 0} == {}
    ours = {name: page for name, page in seen["pages"].items() if page["path"] not in ("/saml/sso", "/authorize")}
    assert {name: page["small"] for name, page in ours.items() if page["small"]} == {}
    assert {name: page["unlabelled"] for name, page in ours.items() if page["unlabelled"]} == {}


def test_axe(seen):
    """axe finds nothing in any page of ours."""
    ours = {name: page for name, page in seen["pages"].items() if page["path"] not in ("/saml/sso", "/authorize")}
    assert {name: page["violations"] for name, page in ours.items() if page["violations"]} == {}


def test_cookies(seen):
    """No script can read them, and other sites' posts don't bring them along."""
    assert seen["cookies"] == [{"name": "rolegate-console", "httpOnly": True, "sameSite": "Lax"}]
