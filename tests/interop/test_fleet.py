"""Two nodes on one Redis: what one takes the other does not take again, and what one revokes ends at both."""

import secrets
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from broker import BUILDER, DEPLOY, eventually, run
from clients import refusal, sts, with_saml, with_token
from fleet import first_node, hear_each_other, twin
from redis_server import Redis, revoke

ADMIN = secrets.token_hex(32)
OVER = ("ExpiredToken", "The security token included in the request is expired", 403)
USED = ("InvalidIdentityToken", "Response has already been used", 400)
DOWN = ("ServiceUnavailable", "The broker's store does not answer. Try again.", 503)


@pytest.fixture(scope="module")
def redis(folder):
    redis = Redis(folder / "redis")
    yield redis
    redis.stop()


@pytest.fixture(scope="module")
def nodes(folder, corp, issuer, redis):
    """The same configuration on two addresses, with one key ring."""
    store = f'kind = "redis"\nurl = "redis://127.0.0.1:{redis.port}"\npassword = {{ file = "store-password" }}'
    first = first_node(folder / "first", corp, issuer, store, store_password=redis.PASSWORD, admin_token=ADMIN)
    second = twin(first, folder / "second").start()
    hear_each_other((first, second))
    yield first, second
    for node in first, second:
        assert node.stop() == 0, node.output


def end(node, token, credentials):
    assert revoke(node, ADMIN, session=credentials["AccessKeyId"]) == 200


def is_over(node, credentials):
    try:
        return refusal(sts(node, credentials).get_caller_identity) == OVER
    except AssertionError:
        return False


def test_credentials_of_one_are_known_to_the_other(nodes, token):
    first, second = nodes
    given = with_token(first, BUILDER, token)["Credentials"]
    assert sts(second, given).get_caller_identity()["Account"] == "111122223333"


def test_a_revocation_reaches_the_other_node_at_once(nodes, token):
    first, second = nodes
    for here, there in (first, second), (second, first):
        given = with_token(here, BUILDER, token)["Credentials"]
        spared = with_token(here, BUILDER, token)["Credentials"]
        assert not is_over(there, given)
        end(here, ADMIN, given)
        eventually(lambda: is_over(there, given), "the revocation", patience=1)
        assert is_over(here, given) and not is_over(there, spared)


def test_what_was_missed_is_caught_up_with(nodes, redis, token):
    """Whoever listens is cut off, and something is revoked before they listen again."""
    first, second = nodes
    given = with_token(first, BUILDER, token)["Credentials"]
    assert redis.command("CLIENT", "KILL", "TYPE", "pubsub") == "2"
    end(first, ADMIN, given)
    eventually(lambda: is_over(second, given), "the revocation", patience=3)


def test_an_assertion_is_taken_once(nodes, corp):
    """By whichever node it comes to first, of many at once, too."""
    first, second = nodes
    response = corp.response()
    assert with_saml(first, corp, DEPLOY, response)["Credentials"]
    assert refusal(with_saml, second, corp, DEPLOY, response) == USED
    responses = [corp.response() for _ in range(40)]

    def taken(attempt):
        try:
            return bool(with_saml(nodes[attempt % 2], corp, DEPLOY, responses[attempt // 2]))
        except Exception as error:
            assert "Response has already been used" in str(error)
            return False

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(taken, range(80)))
    assert [results[at] + results[at + 1] for at in range(0, 80, 2)] == [1] * 40


def test_a_node_that_is_not_the_same_is_told(nodes, folder):
    """By those that it shares the store with, and by itself."""
    first, second = nodes

    def seen(node):
        return node.dependency("nodes on this store")

    for node in nodes:
        eventually(lambda: seen(node)["detail"] == "1 more", "the other node", patience=15)
        assert seen(node)["state"] == "ok"
    third = twin(first, folder / "third")
    (third.folder / "keys/ring").unlink()
    third.start()
    try:
        for node in first, second:
            eventually(lambda: seen(node)["state"] == "degraded", "the third node", patience=15)
            assert "seals with a key that is not in this node's ring" in seen(node)["detail"]
        eventually(lambda: seen(third)["detail"].count("seals with a key") == 2, "the others", patience=15)
        assert third.stop() == 0
        shutil.copy(first.folder / "keys/ring", third.folder / "keys/ring")
        third.config.write_text(third.config.read_text().replace("[[role]]", '[[account]]\nid = "999999999999"\n[[role]]', 1))
        third.start()
        eventually(lambda: "has configuration" in seen(first)["detail"], "the third node", patience=15)
    finally:
        assert third.stop() == 0
    eventually(lambda: seen(first)["state"] == "ok", "that it is gone", patience=30)


def test_a_frozen_redis_hurts_nobody_who_is_in(nodes, redis, corp, token):
    """Credentials are verified and tokens exchanged; what must be taken once is not taken, and is not lost."""
    first, second = nodes
    given = with_token(first, BUILDER, token)["Credentials"]
    response = corp.response()
    redis.freeze()
    try:
        began = time.monotonic()
        assert refusal(with_saml, first, corp, DEPLOY, response) == DOWN
        assert time.monotonic() - began < 2
        assert sts(second, given).get_caller_identity()["Account"] == "111122223333"
        assert with_token(first, BUILDER, token)["Credentials"]
        assert revoke(first, ADMIN, session=given["AccessKeyId"]) == 503
        assert is_over(first, given), "this node holds to it"
        lost = lambda: second.dependency("revocations of other nodes")["state"] == "degraded"  # noqa: E731
        eventually(lost, "that nothing is heard")
    finally:
        redis.go_on()
    eventually(lambda: second.dependency("revocations of other nodes")["state"] == "ok", "the other node")
    eventually(lambda: revoke(first, ADMIN, session=given["AccessKeyId"]) == 200, "the store")
    eventually(lambda: is_over(second, given), "the revocation", patience=1)
    assert with_saml(second, corp, DEPLOY, response)["Credentials"], "nobody took it"
    assert refusal(with_saml, first, corp, DEPLOY, response) == USED


def test_a_redis_that_died_comes_back(nodes, redis, corp):
    """With what it wrote to its disk."""
    first, second = nodes
    response = corp.response()
    assert with_saml(first, corp, DEPLOY, response)["Credentials"]
    redis.kill()
    eventually(lambda: refusal(with_saml, second, corp, DEPLOY, response) == DOWN, "that it is noticed")
    redis.start()
    eventually(lambda: second.dependency("store (redis)")["state"] == "ok", "the store")
    assert refusal(with_saml, second, corp, DEPLOY, response) == USED
    assert redis.PASSWORD not in first.output + second.output


def with_outage(node, folder, rule):
    """A further node, with a rule of its own for outages."""
    other = twin(node, folder)
    settings = other.config.read_text()
    other.config.write_text(settings.replace("[sealing]", f"[store.outage]\n{rule}\n\n[sealing]", 1))
    return other


def test_credentials_are_believed_for_a_declared_time(nodes, redis, token, folder):
    """While nobody hears what other nodes revoke."""
    strict = with_outage(nodes[0], folder / "strict", 'unheard_for = "1s"').start()
    try:
        given = with_token(strict, BUILDER, token)["Credentials"]
        seen = lambda: strict.dependency("revocations of other nodes")  # noqa: E731
        eventually(lambda: seen()["state"] == "ok", "the other nodes")
        assert sts(strict, given).get_caller_identity()["Account"] == "111122223333"
        redis.freeze()
        try:
            eventually(lambda: seen()["state"] == "failing", "that nothing is heard for a second")
            assert seen()["means"] == "credentials are refused with 503 until they are heard again"
            assert refusal(sts(strict, given).get_caller_identity) == DOWN
            assert sts(nodes[0], given).get_caller_identity()["Account"] == "111122223333", "without the rule"
            assert with_token(strict, BUILDER, token)["Credentials"], "whoever is asserted anew is believed"
        finally:
            redis.go_on()
        eventually(lambda: seen()["state"] == "ok", "the other nodes")
        assert sts(strict, given).get_caller_identity()["Account"] == "111122223333"
    finally:
        assert strict.stop() == 0


def test_a_node_starts_without_redis_if_it_may(nodes, redis, corp, token, folder):
    """It serves what it can, and learns what was revoked when it can."""
    first, _ = nodes
    given, ended = with_token(first, BUILDER, token)["Credentials"], with_token(first, BUILDER, token)["Credentials"]
    eventually(lambda: revoke(first, ADMIN, session=ended["AccessKeyId"]) == 200, "the store")
    bold = with_outage(first, folder / "bold", 'start = "serve"')
    redis.kill()
    try:
        usual = twin(first, folder / "usual")
        refused = run("serve", "--config", usual.config)
        assert refused.returncode == 1 and "does its Redis not answer?" in refused.stderr + refused.stdout
        bold.start(ready="healthz")
        assert bold.dependency("revocations of other nodes")["state"] == "degraded"
        assert sts(bold, given).get_caller_identity()["Account"] == "111122223333"
        assert sts(bold, ended).get_caller_identity()["Account"] == "111122223333", "it can't know"
        assert with_token(bold, BUILDER, token)["Credentials"]
        assert refusal(with_saml, bold, corp, DEPLOY, corp.response()) == DOWN
    finally:
        redis.start()
    try:
        eventually(lambda: is_over(bold, ended), "what was revoked")
        eventually(lambda: bold.dependency("store (redis)")["state"] == "ok", "the store")
        assert with_saml(bold, corp, DEPLOY, corp.response())["Credentials"]
    finally:
        assert bold.stop() == 0
