"""A copy of the store, taken while the broker runs, and brought back elsewhere; and a move to Redis and back."""

import secrets
import shutil

import pytest
import requests

from broker import BUILDER, DEPLOY, PATIENCE, Broker, eventually, run
from clients import refusal, sts, with_saml, with_token
from redis_server import Redis

ADMIN = secrets.token_hex(32)
USED = ("InvalidIdentityToken", "Response has already been used", 400)


@pytest.fixture(scope="module")
def broker(folder, corp, issuer):
    broker = Broker(folder / "broker")
    path = broker.folder / "admin-token"
    path.write_text(ADMIN)
    path.chmod(0o600)
    broker.settings += '[admin]\ntoken = { file = "admin-token" }\n'
    broker.trust_saml("corp", corp.metadata())
    broker.trust_oidc(issuer.url)
    corp.broker = broker
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


def copied(broker, **headers):
    return requests.get(f"{broker.operations}/admin/v1/store", headers=headers, timeout=PATIENCE)


def store(*words):
    """What `rolegate store` says; it is done well."""
    said = run("store", *words)
    assert said.returncode == 0, said.stderr
    return said.stderr.strip()


def elsewhere(broker, folder, **changes):
    """The broker's configuration and keys in another folder, without its store."""
    shutil.copytree(broker.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("store"))
    config = folder / broker.config.name
    text = config.read_text()
    for old, new in changes.items():
        text = text.replace(old, new)
    config.write_text(text)
    return config


def test_a_copy_is_for_those_in_charge(broker):
    assert copied(broker).status_code == 401
    assert copied(broker, Authorization="Bearer " + "x" * 64).status_code == 401
    whole = copied(broker, Authorization=f"Bearer {ADMIN}")
    assert (whole.status_code, whole.headers["cache-control"]) == (200, "no-store")
    assert whole.content.startswith(b"rolegate store 2\n")
    eventually(lambda: 'audit: event="store-copied"' in broker.output, "the audit event")


def test_a_copy_of_a_running_broker_brings_everything_back(broker, corp, token, folder):
    response = corp.response()
    assert with_saml(broker, corp, DEPLOY, response)["Credentials"]
    given = with_token(broker, BUILDER, token)["Credentials"]
    ended = with_token(broker, BUILDER, token)["Credentials"]
    headers = {"Authorization": f"Bearer {ADMIN}"}
    body = {"session": ended["AccessKeyId"]}
    assert requests.post(f"{broker.operations}/admin/v1/revocations", json=body, headers=headers, timeout=PATIENCE).ok
    copy = folder / "copy"
    copy.write_bytes(copied(broker, **headers).content)
    config = elsewhere(broker, folder / "restored")
    assert store("import", "--config", config, "--from", copy).endswith(" entries were taken in by embedded")
    assert broker.stop() == 0
    shutil.move(broker.folder / "store", broker.folder / "lost")
    shutil.copytree(folder / "restored/store", broker.folder / "store")
    broker.start()
    assert refusal(with_saml, broker, corp, DEPLOY, response) == USED
    assert sts(broker, given).get_caller_identity()["Account"] == "111122223333"
    assert refusal(sts(broker, ended).get_caller_identity)[0] == "ExpiredToken"


def test_a_store_moves_to_redis_and_back(broker, corp, folder):
    first, second = corp.response(), corp.response()
    assert with_saml(broker, corp, DEPLOY, first)["Credentials"]
    redis = Redis(folder / "redis")
    embedded = broker.config.read_text()
    try:
        password = broker.folder / "store-password"
        password.write_text(redis.PASSWORD)
        password.chmod(0o600)
        moved = f'kind = "redis"\nurl = "redis://127.0.0.1:{redis.port}"\npassword = {{ file = "store-password" }}'
        settings = embedded.replace('kind = "embedded"\npath = "store"', moved)
        there = broker.folder / "redis.toml"
        there.write_text(settings)
        assert broker.stop() == 0
        said = store("copy", "--from", broker.config, "--to", there)
        assert said.endswith(" entries were copied from embedded to redis")
        broker.config.write_text(settings)
        broker.start()
        assert refusal(with_saml, broker, corp, DEPLOY, first) == USED
        assert with_saml(broker, corp, DEPLOY, second)["Credentials"]
        assert broker.stop() == 0
        broker.config.write_text(embedded)
        store("copy", "--from", there, "--to", broker.config)
        broker.start()
        assert refusal(with_saml, broker, corp, DEPLOY, second) == USED
    finally:
        redis.stop()
