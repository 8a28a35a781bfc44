"""Assertions that are encrypted to the broker, as Shibboleth, Okta and AD FS do it (`encrypted.py`)."""

import base64
import re
import subprocess
from dataclasses import dataclass, replace

import pytest

import keys
from broker import DEPLOY, READ_ONLY, Broker
from clients import Browser, refusal, sts, with_saml
from encrypted import OAEP_SHA1, OAEP_SHA256, OAEP_SHA256_MASK_SHA1, XENC, EncryptingIdp, Encryption
from idp import LAX
from shapes import ADFS, ANN, LINES_WITH_CR, OKTA, ONELOGIN, SHIBBOLETH, Shape

REQUIRED, CBC = 'encryption = "required"', 'accept = ["aes-cbc"]'
UNREADABLE = ("InvalidIdentityToken", "Invalid base64 SAMLResponse", 400)


@dataclass(frozen=True)
class Case:
    """A shape, how its assertion is encrypted, and to which of our keys."""

    shape: Shape
    encryption: Encryption
    options: str = ""
    key: str = "ours"


# Shibboleth: the key within the data's KeyInfo, with our certificate; OAEP with SHA-1, which is stated; lines
# that end in CR. GCM since version 4, CBC before. Facts: as those of its shape.
# Okta: the key beside the data, which refers to it. Facts: responses in the test data of crewjam/saml.
# AD FS: the key within, our certificate by its serial number; AES-256-CBC. The response is signed besides if
# `SamlResponseSignature` is `MessageAndAssertion`. Facts: Microsoft's documentation of that setting, and a
# response in Cisco's instructions.
ADFS_BOTH = replace(ADFS, signs=("Response", "Assertion"))
ADFS_CBC = Encryption("aes256-cbc", names="serial")
CASES = {
    "shibboleth, AES-128-GCM": Case(SHIBBOLETH, Encryption(wrap=LINES_WITH_CR), REQUIRED),
    "shibboleth, AES-256-GCM": Case(SHIBBOLETH, Encryption("aes256-gcm", wrap=LINES_WITH_CR)),
    "shibboleth, the key beside": Case(SHIBBOLETH, Encryption(beside=True)),
    "shibboleth, to the next key": Case(SHIBBOLETH, Encryption(), key="next"),
    "shibboleth, response signed": Case(replace(SHIBBOLETH, signs=("Response", "Assertion")), Encryption()),
    "shibboleth, response not signed": Case(replace(SHIBBOLETH, signs=("Assertion",)), Encryption()),
    "shibboleth, AES-128-CBC": Case(SHIBBOLETH, Encryption("aes128-cbc"), CBC),
    "okta, AES-256-GCM": Case(OKTA, Encryption("aes256-gcm", beside=True), REQUIRED),
    "okta, AES-256-CBC": Case(OKTA, Encryption("aes256-cbc", beside=True), CBC),
    "adfs": Case(ADFS_BOTH, ADFS_CBC, CBC),
    "OAEP by default": Case(ONELOGIN, Encryption(transport=OAEP_SHA1, names="")),
    "OAEP with SHA-256": Case(ONELOGIN, Encryption("aes256-gcm", OAEP_SHA256)),
}
# The checks that refuse them, and AWS's answer.
REFUSALS = {
    "adfs, CBC in a response that is not signed": (
        Case(ADFS, ADFS_CBC, CBC),
        "saml.encryption.cbc-unauthenticated",
    ),
    "adfs, CBC": (Case(ADFS_BOTH, ADFS_CBC), "saml.encryption.cbc"),
    "OAEP with SHA-256 and SHA-1": (
        Case(ONELOGIN, Encryption(transport=OAEP_SHA256_MASK_SHA1)),
        "saml.encryption.oaep",
    ),
    "to somebody else": (Case(SHIBBOLETH, Encryption(), key="other"), "saml.encryption.failed"),
}
ALL = CASES | {title: case for title, (case, _) in REFUSALS.items()}


@pytest.fixture(scope="module")
def ours(folder):
    return {name: keys.pair(folder, name) for name in ("ours", "next", "other")}


@pytest.fixture(scope="module")
def idps(folder, ours):
    idps = {}
    for title, case in ALL.items():
        idps[title] = idp = EncryptingIdp(re.sub(r"\W+", "-", title), folder, case.shape)
        idp.encryption, idp.certificate = case.encryption, ours[case.key].certificate
    return idps


@pytest.fixture(scope="module")
def broker(folder, idps, ours):
    broker = Broker(folder / "broker")
    for name in "ours", "next":
        ours[name].write_both(broker.folder / f"{name}.pem")
    for title, idp in idps.items():
        idp.broker = broker
        options = 'keys = [{ file = "ours.pem" }, { file = "next.pem" }]\n' + ALL[title].options
        broker.trust_saml(idp.name, idp.metadata(), options, idp.shape.names)
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


def changed(xml):
    """Another letter of the last ciphertext."""
    start = xml.rindex(b"<xenc:CipherValue>") + 100
    return xml[:start] + (b"A" if xml[start : start + 1] != b"A" else b"B") + xml[start + 1 :]


@pytest.mark.parametrize("title", CASES)
def test_assume_role_with_saml(broker, idps, title):
    """What comes out is as good as in clear; with one letter changed nothing comes out."""
    idp = idps[title]
    answer = with_saml(broker, idp, DEPLOY, idp.response())
    assert answer["Subject"] == idp.shape.subject
    session = answer["AssumedRoleUser"]["Arn"]
    assert session == f"arn:aws:sts::111122223333:assumed-role/Deploy/{ANN}"
    assert sts(broker, answer["Credentials"]).get_caller_identity()["Arn"] == session
    signed = "Response" in idp.shape.signs
    refused = ("InvalidIdentityToken", "Response signature invalid", 400) if signed else UNREADABLE
    assert refusal(with_saml, broker, idp, DEPLOY, idp.response(tamper=changed)) == refused


@pytest.mark.parametrize("title", CASES)
def test_browser_sign_in(broker, idps, title):
    idp, browser = idps[title], Browser(broker)
    request_id = idp.request_id(browser.get(f"/saml/{idp.name}/login").headers["Location"])
    form = {"SAMLResponse": idp.response(in_response_to=request_id), "roleIndex": READ_ONLY}
    assert browser.post(f"/saml/{idp.name}/acs", **form).status_code == 303
    assert f"assumed-role/ReadOnly/{ANN}" in browser.get("/console").text


@pytest.mark.parametrize("title", REFUSALS)
def test_refused(broker, idps, title):
    idp, check = idps[title], REFUSALS[title][1]
    assert refusal(with_saml, broker, idp, DEPLOY, idp.response()) == UNREADABLE
    page = Browser(broker).post(f"/saml/{idp.name}/acs", SAMLResponse=idp.response())
    assert (page.status_code, broker.check_behind(page.text)) == (400, check)


@pytest.mark.parametrize("title", [title for title in CASES if CASES[title].encryption.transport != OAEP_SHA256])
def test_xmlsec1_decrypts_it(broker, idps, ours, folder, title):
    """Our documents are honest: another implementation reads them. (It knows OAEP with SHA-1 alone.)"""
    document = folder / "encrypted.xml"
    document.write_bytes(base64.b64decode(idps[title].response()))
    decrypted = subprocess.run(
        ["xmlsec1", "--decrypt", *LAX, "--privkey-pem", ours[CASES[title].key].key]
        + ["--id-attr:Id", f"{XENC}:EncryptedKey", document],
        capture_output=True,
        text=True,
    )
    assert decrypted.returncode == 0, decrypted.stderr
    assert f">{ANN}<" in decrypted.stdout
