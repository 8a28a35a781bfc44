"""The broker against samael: whoever the broker believes, samael must believe too, as the same person.

samael is laxer, and may accept what the broker refuses; the table that is printed says where.
"""

import base64
import random
from collections import Counter

import pytest
import requests
from lxml import etree

from broker import DEPLOY, PATIENCE
from idp import Style
from mutations import HARMFUL, HARMLESS
from oracle import Oracle
from test_saml_foreign_signers import VARIATIONS, broker, idps  # noqa: F401, fixtures of that world

# What the broker takes and samael can't: its allow-list of algorithms has no name for RSA-PSS.
BEYOND_SAMAEL = {"RSA-PSS"}
SEED = 20261122
EACH = 60  # documents of each class of edits
REFUSALS = {"InvalidIdentityToken", "IDPRejectedClaim", "ExpiredTokenException", "AccessDenied"}

# Edits outside of what is signed are harmless only where nothing is signed but the assertion.
ASSERTION_SIGNED = [
    ("signxml", Style()),
    ("signxml", Style(assertion="", protocol="", indent="  ")),
    ("xmlsec1", Style(prefix_list=("xs",), typed_values=True)),
]
BOTH_SIGNED = [
    ("signxml", Style(sign_response=True, ornate=True)),
    ("xmlsec1", Style(sign_response=True, assertion="saml2:")),
]


@pytest.fixture(scope="module")
def oracle():
    oracle = Oracle()
    yield oracle
    oracle.stop()


@pytest.fixture(scope="module")
def believed(broker):
    """Whom the broker takes the bearer of a response for; nothing if it is refused."""
    session = requests.Session()
    session.trust_env = False

    def ask(idp, xml):
        form = {
            "Action": "AssumeRoleWithSAML",
            "Version": "2011-06-15",
            "RoleArn": DEPLOY,
            "PrincipalArn": broker.saml_arn(idp.name),
            "SAMLAssertion": base64.b64encode(xml).decode(),
        }
        answer = session.post(broker.url, data=form, timeout=PATIENCE)
        said = etree.fromstring(answer.content)
        if answer.status_code == 200:
            return said.findtext(".//{*}Subject")
        assert said.findtext(".//{*}Code") in REFUSALS, answer.text
        return None

    return ask


@pytest.mark.parametrize("variation", VARIATIONS)
def test_honest_shapes(broker, idps, oracle, believed, variation):
    """What the broker believes of other signers, samael believes too, where it can."""
    name, style = VARIATIONS[variation]
    idp = idps[name]
    xml = base64.b64decode(idp.response(style))
    expected = None if variation in BEYOND_SAMAEL else "ann"
    assert (believed(idp, xml), oracle.subject(broker, idp, xml)) == ("ann", expected)


@pytest.mark.parametrize("kind", ["harmless", "harmful"])
def test_edited_documents(broker, idps, oracle, believed, kind, capsys):
    """Over edits of every class: nobody is believed whom samael does not believe, as the same person."""
    edits, styles = (
        (HARMLESS, ASSERTION_SIGNED) if kind == "harmless" else (HARMFUL, ASSERTION_SIGNED + BOTH_SIGNED)
    )
    table, faults = {}, []
    for name, edit in edits.items():
        table[name] = Counter()
        for index in range(EACH):
            chance = random.Random(f"{SEED} {name} {index}")
            signer, style = styles[index % len(styles)]
            idp = idps[signer]
            xml = edit(chance, base64.b64decode(idp.response(style, subject=f"ann-{index}@example.com")))
            ours, theirs = believed(idp, xml), oracle.subject(broker, idp, xml)
            table[name][verdict(ours, theirs)] += 1
            if ours is not None and ours != theirs:
                faults.append((name, index, ours, theirs, xml.decode(errors="replace")))
    with capsys.disabled():
        print(f"\n{kind + ' edits':28}" + "".join(f"{column:>15}" for column in COLUMNS))
        for name, counts in table.items():
            print(f"{name:28}" + "".join(f"{counts[column]:15}" for column in COLUMNS))
    assert not faults, faults[0]
    if kind == "harmless":
        assert {name: counts["both"] for name, counts in table.items()} == dict.fromkeys(edits, EACH)


COLUMNS = ["both", "neither", "samael only", "rolegate only", "other subject"]


def verdict(ours, theirs):
    """The column that a pair of answers belongs to."""
    if ours is None:
        return "neither" if theirs is None else "samael only"
    return "both" if ours == theirs else "rolegate only" if theirs is None else "other subject"
