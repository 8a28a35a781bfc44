"""What takes hours, and is not part of the suite: an issuer that is down, and AWS's SDKs over the rotations of another.

    tests/interop/run --endurance 60        for so many minutes; the last line is a JSON object of what happened how often

The first issuer dies as soon as its key is known. Until the end tokens by that key are exchanged, ten a second and each for
the first time. The second one signs by a new key every three minutes and withdraws the one before the last. A token a minute
comes as the kubelet brings it, and the SDKs live on it: Python's in this process, which asks every second who it is by
credentials for a quarter of an hour, and those for Go, Java, JavaScript and Rust in turn, a program every twenty seconds.
"""

import itertools
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import botocore.session

import test_sdks
from broker import ACCOUNT, BUILDER, Broker
from clients import sts
from issuer import Issuer

TOKEN_EVERY, KEY_EVERY, PROGRAM_EVERY = 60, 180, 20  # seconds
OPTIONS = 'keys_refresh = "60s"'


class Endurance:
    """Repeats what is given to it until the end, and counts."""

    def __init__(self, minutes):
        self.ends, self.lock = time.monotonic() + 60 * minutes, threading.Lock()
        self.counts, self.failures, self.threads = {}, [], []

    def repeat(self, name, every, act):
        def run():
            while (began := time.monotonic()) < self.ends:
                failure = None
                try:
                    act()
                except Exception as raised:
                    failure = f"{name}: {raised!r}"
                    print(failure, file=sys.stderr, flush=True)
                with self.lock:
                    self.counts[name] = self.counts.get(name, 0) + 1
                    self.failures += [failure] if failure else []
                time.sleep(max(0, every - (time.monotonic() - began)))

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def wait(self):
        for thread in self.threads:
            thread.join()


def outage(endurance, folder):
    issuer, broker = Issuer(), Broker(folder)
    known = issuer.add_key("RS256")
    broker.trust_oidc(issuer.url, options=OPTIONS)
    broker.start()
    client = sts(broker)

    def exchange():
        asked = {"RoleArn": BUILDER, "RoleSessionName": "job", "WebIdentityToken": issuer.token(known)}
        assert client.assume_role_with_web_identity(**asked)["Audience"] == "builder"

    exchange()
    issuer.die()
    endurance.repeat("exchanges in the outage", 0.1, exchange)
    return broker


def rotations(endurance, folder):
    issuer, broker, token_file = Issuer(), Broker(folder), folder / "token"
    signing = issuer.add_key("RS256")
    test_sdks.configure(broker, issuer.url, OPTIONS, 'duration = "15m"')
    broker.start()

    def rotate():
        nonlocal signing
        signing = issuer.add_key("RS256")
        del issuer.published[:-2]

    def project():
        (folder / "next").write_text(issuer.token(signing, exp=int(time.time()) + 10 * TOKEN_EVERY))
        (folder / "next").rename(token_file)

    project()
    os.environ.update(test_sdks.settings(broker, token_file), AWS_DEFAULT_REGION="eu-central-1")
    session, keys, sdks = botocore.session.Session(), set(), itertools.cycle(test_sdks.CLIENTS)

    def whoami():
        keys.add(session.get_credentials().get_frozen_credentials().access_key)
        endurance.counts["credentials that Python's SDK got"] = len(keys)
        arn = session.create_client("sts").get_caller_identity()["Arn"]
        assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Start/job-7"

    endurance.repeat("keys", KEY_EVERY, rotate)
    endurance.repeat("tokens", TOKEN_EVERY, project)
    endurance.repeat("calls by Python's SDK", 1, whoami)
    endurance.repeat("programs of other SDKs", PROGRAM_EVERY, lambda: test_sdks.check(next(sdks), broker, token_file))
    return broker


def looks_at_keys(broker):
    ask = lambda outcome: broker.metric("rolegate_oidc_key_looks_total", provider="ci", outcome=outcome)
    return {outcome: ask(outcome) or 0 for outcome in ("renewed", "failed")}


def main(minutes):
    endurance = Endurance(minutes)
    with tempfile.TemporaryDirectory() as folder:
        first, second = outage(endurance, Path(folder, "outage")), rotations(endurance, Path(folder, "rotations"))
        endurance.wait()
        looks = {"outage": looks_at_keys(first), "rotations": looks_at_keys(second)}
        stopped = [first.stop(), second.stop()]
    counts = endurance.counts | {"failed": len(endurance.failures), "looks at keys": looks, "exit codes": stopped}
    print(json.dumps({"minutes": minutes} | counts))
    return bool(endurance.failures) or any(stopped)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
