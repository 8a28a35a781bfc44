"""Time passes: keys that were withdrawn stop to count, and an issuer that is down is missed by nobody whose
key is known.

It takes a minute, the least that `keys_refresh` can be; so all of it happens in one, to three issuers.
"""

import pytest

from broker import BUILDER, DEPLOY, READ_ONLY, Broker, eventually
from clients import INVALID, UNREACHABLE, refusal, sts, with_token
from issuer import DISCOVERY

REFRESH = 60  # seconds
PATIENCE = 2 * REFRESH
SOON = f'keys_refresh = "{REFRESH}s"'


@pytest.fixture
def world(tmp_path, issuer, oidc_provider, keycloak):
    """A broker, and two applications."""
    broker = Broker(tmp_path)
    mobile = oidc_provider.application("mobile-a-minute")
    oidc_provider.up("RS256-1")
    broker.trust_people("staff", oidc_provider.url, [mobile.client_id], "true", SOON)
    corp = keycloak.application("mobile-a-minute")
    broker.trust_people("corp", keycloak.entity_id, [corp.client_id], "true", SOON)
    broker.trust_oidc(issuer.url, options=SOON)
    yield broker, lambda: mobile.tokens(oidc_provider)["id_token"], lambda: corp.tokens(keycloak)["id_token"]
    assert broker.stop() == 0, broker.output


def test_a_minute(world, issuer, oidc_provider, keycloak):
    broker, of_staff, of_corp = world
    known = next(iter(issuer.signing))
    looks = lambda name, outcome: broker.metric("rolegate_oidc_key_looks_total", provider=name, outcome=outcome) or 0
    age = lambda: broker.metric("rolegate_oidc_keys_age_seconds", provider="ci")
    state = lambda: broker.dependency("provider ci")
    with keycloak.another_key():
        broker.start()
        old = {DEPLOY: of_staff(), READ_ONLY: of_corp()}
        for role, token in old.items():
            assert with_token(broker, role, token)["Audience"] == "mobile-a-minute"
        assert with_token(broker, BUILDER, issuer.token(known))["Audience"] == "builder"
    # Both have withdrawn the key now, and the third issuer is gone.
    oidc_provider.up("RS256-2")
    issuer.die()
    new = {DEPLOY: of_staff(), READ_ONLY: of_corp()}
    client, exchanged = sts(broker), 0

    def exchange():
        """One more token by a known key of the dead issuer."""
        nonlocal exchanged
        asked = {"RoleArn": BUILDER, "RoleSessionName": "job", "WebIdentityToken": issuer.token(known)}
        assert client.assume_role_with_web_identity(**asked)["Audience"] == "builder"
        exchanged += 1

    def degraded():
        exchange()
        return state()["state"] == "degraded"

    assert state()["state"] == "ok"
    eventually(degraded, "the end of keys that are fresh", PATIENCE)
    assert exchanged > REFRESH
    assert looks("ci", "failed") >= 1 and looks("ci", "renewed") == 1
    assert broker.metric("rolegate_oidc_keys", provider="ci") == 1
    assert REFRESH <= age() < PATIENCE
    told = state()
    assert told["means"] == "tokens by known keys are accepted; new keys are not seen"
    assert " s: the discovery document can't be fetched: no answer: " in told["detail"]
    unknown = issuer.add_key("ES256")
    assert refusal(with_token, broker, BUILDER, issuer.token(unknown)) == UNREACHABLE

    # Within `keys_refresh` of the withdrawal, by which keys are renewed ahead of tokens.
    for (role, token), name in zip(old.items(), ("staff", "corp")):
        eventually(lambda: looks(name, "renewed") == 2, f"keys of {name}")
        assert refusal(with_token, broker, role, token) == INVALID
        assert with_token(broker, role, new[role])["Audience"] == "mobile-a-minute"
    assert 'came="RS256-2" gone="RS256-1"' in broker.output

    # It comes back, and tokens notice it themselves.
    issuer.asked.clear()
    issuer.rise()

    def recovered():
        exchange()
        return state()["state"] == "ok"

    eventually(recovered, "fresh keys", PATIENCE)
    assert age() < REFRESH / 2
    assert broker.metric("rolegate_oidc_keys", provider="ci") == 2
    assert issuer.asked.count(DISCOVERY) <= 2
    assert with_token(broker, BUILDER, issuer.token(unknown))["Audience"] == "builder"
    assert "verification keys are renewed again" in broker.output
