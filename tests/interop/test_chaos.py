"""The store freezes, is cut off, dies, fills up and fails over under load: what must not happen, does not.

Every assertion is sent to both nodes at once, again and again while it is refused for now. None may be accepted twice, no
exchange of a token may fail, no credentials from before may stop working, and no request may wait much longer than the
half second that the store is given. The table of counts is printed (`-s`) and left in the work folder, as chaos.md.
"""

import os
import time
from pathlib import Path

import pytest

from broker import eventually
from chaos import Counts, Load, Proxy
from fleet import first_node, hear_each_other, twin
from redis_server import Redis, Sentinel

DOCUMENTS = 500


@pytest.fixture(scope="module")
def table():
    rows = []
    yield rows
    text = "\n".join([Counts.HEADER, *rows, ""])
    print(f"\n{text}")
    (Path(os.environ["INTEROP_WORK"]) / "chaos.md").write_text(text)


def run(scenario, nodes, corp, token, table, events):
    """The load, with what happens meanwhile; its counts are as they must be."""
    responses = [corp.response() for _ in range(DOCUMENTS)]
    load = Load(scenario, nodes, corp, token, responses)
    try:
        eventually(lambda: len(load.counts.accepted) > 20, "that it runs")
        events()
        for node in nodes:
            eventually(lambda: node.dependency("store (redis)")["state"] == "ok", "the store", patience=30)
        before = len(load.counts.accepted)
        eventually(lambda: len(load.counts.accepted) > before + 20 or not load.threads[0].is_alive(), "that it goes on")
    finally:
        counts = load.end()
    table.append(counts.row())
    assert counts.twice == 0, counts.row()
    assert counts.exchanges_failed == [], counts.row()
    assert counts.sessions_lost == [], counts.row()
    assert counts.over_budget == 0, counts.row()
    assert len(counts.accepted) > 20, counts.row()
    return counts


@pytest.fixture(scope="module")
def redis(folder):
    redis = Redis(folder / "one")
    yield redis
    redis.stop()


@pytest.fixture(scope="module")
def proxy(redis):
    proxy = Proxy(redis.port)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def nodes(folder, corp, issuer, redis, proxy):
    store = f'kind = "redis"\nurl = "redis://127.0.0.1:{proxy.port}"\npassword = {{ file = "store-password" }}'
    first = first_node(folder / "first", corp, issuer, store, store_password=redis.PASSWORD)
    second = twin(first, folder / "second").start()
    hear_each_other((first, second))
    yield first, second
    for node in first, second:
        assert node.stop() == 0, node.output


def test_frozen(nodes, corp, token, table, redis):
    def events():
        redis.freeze()
        time.sleep(3)
        redis.go_on()

    assert run("frozen for 3 s", nodes, corp, token, table, events).refused > 0


def test_cut_off(nodes, corp, token, table, proxy):
    def events():
        proxy.open.clear()
        time.sleep(3)
        proxy.open.set()

    assert run("cut off for 3 s", nodes, corp, token, table, events).refused > 0


def test_killed(nodes, corp, token, table, redis):
    def events():
        redis.kill()
        time.sleep(2)
        redis.start()

    assert run("killed, and back after 2 s", nodes, corp, token, table, events).refused > 0


def test_full(nodes, corp, token, table, redis):
    def events():
        assert redis.command("CONFIG", "SET", "maxmemory", "1") == "OK"
        time.sleep(2)
        assert redis.command("CONFIG", "SET", "maxmemory", "0") == "OK"

    assert run("full for 2 s", nodes, corp, token, table, events).refused > 0


@pytest.fixture(scope="module")
def servers(folder):
    master = Redis(folder / "master")
    servers = [master, Redis(folder / "replica-1", master), Redis(folder / "replica-2", master)]
    yield servers
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def sentinels(folder, servers):
    sentinels = [Sentinel(folder / f"sentinel-{number}", servers[0], 2) for number in range(3)]
    for sentinel in sentinels:
        eventually(lambda: sentinel.knows(2, 2), "the sentinels", patience=30)
    yield sentinels
    for sentinel in sentinels:
        sentinel.stop()


@pytest.fixture(scope="module")
def watched(folder, corp, issuer, sentinels):
    urls = ", ".join(f'"redis://127.0.0.1:{sentinel.port}"' for sentinel in sentinels)
    store = (
        f'kind = "redis"\nmode = "sentinel"\nurl = [{urls}]\nmaster = "{Sentinel.NAME}"\nreplicas = 1\n'
        'password = { file = "store-password" }'
    )
    first = first_node(folder / "third", corp, issuer, store, store_password=Redis.PASSWORD)
    second = twin(first, folder / "fourth").start()
    hear_each_other((first, second))
    yield first, second
    for node in first, second:
        assert node.stop() == 0, node.output


def master_of(sentinels, servers):
    port = sentinels[0].master_port()
    return next(server for server in servers if server.port == port)


def test_frozen_master(watched, corp, token, table, sentinels, servers):
    """It wakes up and believes that it is still the master."""

    def events():
        old = master_of(sentinels, servers)
        old.freeze()
        eventually(lambda: master_of(sentinels, servers) is not old, "another master")
        time.sleep(1)
        old.go_on()

    run("the master is frozen, replaced, and wakes up", watched, corp, token, table, events)


def test_killed_master(watched, corp, token, table, sentinels, servers):
    def events():
        old = master_of(sentinels, servers)
        old.kill()
        eventually(lambda: master_of(sentinels, servers) is not old, "another master", patience=30)
        time.sleep(1)
        old.start()

    run("the master is killed, replaced, and comes back", watched, corp, token, table, events)
