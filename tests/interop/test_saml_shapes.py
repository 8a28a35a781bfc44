"""Responses in the shapes that vendors' products give them (`shapes.py`)."""

from dataclasses import replace

import pytest

from broker import CLOSED, DEPLOY, READ_ONLY, Broker
from clients import Browser, refusal, sts, with_saml
from shapes import ANN, KEY_INFOS, PINGFEDERATE, RESPONSE_SIGNED, SHAPES, ShapedIdp, Signing

UNSIGNED_ASSERTION = "Response (with optional signature) must contain an assertion with a mandatory signature"
WITH_KEY_INFO = {
    f"pingfederate-{name}": replace(PINGFEDERATE, entity_id=f"PF-{name}", signing=Signing(key_info=key_info))
    for name, key_info in KEY_INFOS.items()
}
ACCEPTED = SHAPES | WITH_KEY_INFO


@pytest.fixture(scope="module")
def idps(folder):
    return {name: ShapedIdp(name, folder, shape) for name, shape in (ACCEPTED | RESPONSE_SIGNED).items()}


@pytest.fixture(scope="module")
def broker(folder, idps):
    broker = Broker(folder / "broker")
    for idp in idps.values():
        idp.broker = broker
        broker.trust_saml(idp.name, idp.metadata(), idp.shape.options, idp.shape.names)
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


def changed(xml):
    """Another team."""
    assert b">core<" in xml, xml
    return xml.replace(b">core<", b">cole<")


@pytest.mark.parametrize("name", ACCEPTED)
def test_assume_role_with_saml(broker, idps, name):
    """The response becomes credentials; changed by one byte it does not."""
    idp = idps[name]
    answer = with_saml(broker, idp, DEPLOY, idp.response())
    assert answer["Issuer"] == idp.shape.entity_id
    assert answer["Subject"] == idp.shape.subject
    assert answer["SubjectType"] == idp.shape.subject_type
    assert answer["Audience"] == broker.acs(name)
    session = answer["AssumedRoleUser"]["Arn"]
    assert session == f"arn:aws:sts::111122223333:assumed-role/Deploy/{ANN}"
    assert sts(broker, answer["Credentials"]).get_caller_identity()["Arn"] == session
    invalid = ("InvalidIdentityToken", "Response signature invalid", 400)
    assert refusal(with_saml, broker, idp, DEPLOY, idp.response(tamper=changed)) == invalid


@pytest.mark.parametrize("name", ACCEPTED)
def test_browser_sign_in(broker, idps, name):
    """SP-initiated: login, the provider's answer, the role picker, the console."""
    idp, browser = idps[name], Browser(broker)
    request_id = idp.request_id(browser.get(f"/saml/{name}/login").headers["Location"])
    form = {"SAMLResponse": idp.response(in_response_to=request_id), "RelayState": ""}
    picker = browser.post(f"/saml/{name}/acs", **form)
    assert picker.status_code == 200, picker.text
    for role in DEPLOY, READ_ONLY, CLOSED:
        assert f'name="roleIndex" value="{role}"' in picker.text
    assert browser.post(f"/saml/{name}/acs", roleIndex=READ_ONLY, **form).status_code == 303
    assert f"assumed-role/ReadOnly/{ANN}" in browser.get("/console").text


@pytest.mark.parametrize("name", RESPONSE_SIGNED)
def test_refused_response_alone_signed(broker, idps, name):
    """As AWS does: what is signed must be the assertion."""
    idp = idps[name]
    refused = ("InvalidIdentityToken", UNSIGNED_ASSERTION, 400)
    assert refusal(with_saml, broker, idp, DEPLOY, idp.response()) == refused
    page = Browser(broker).post(f"/saml/{name}/acs", SAMLResponse=idp.response())
    assert page.status_code == 400
    assert 'check="saml.signature.absent"' in broker.output.splitlines()[-2]
