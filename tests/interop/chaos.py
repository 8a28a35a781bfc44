"""Load on two nodes that share a store, while the store freezes, dies, fills or becomes another; and what came of it."""

import socket
import threading
import time
from dataclasses import dataclass, field

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from broker import BUILDER, DEPLOY
from clients import with_token

# A request waits half a second for the store. The rest is for a machine that is busy.
BUDGET = 1.5


class Proxy:
    """Stands between the nodes and a server, and can let everything through or nothing, with all connections open."""

    def __init__(self, port):
        self.target, self.listener = port, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = threading.Event()
        self.open.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(here,), daemon=True).start()

    def _serve(self, here):
        self.open.wait()
        try:
            there = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            here.close()
            return
        for one, other in (here, there), (there, here):
            threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one, other):
        try:
            while data := one.recv(65536):
                self.open.wait()
                other.sendall(data)
        except OSError:
            pass
        for end in one, other:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.open.set()
        self.listener.close()


@dataclass
class Counts:
    """What the load saw."""

    scenario: str
    requests: int = 0
    refused: int = 0
    accepted: dict = field(default_factory=dict)
    used: set = field(default_factory=set)
    exchanges_failed: list = field(default_factory=list)
    sessions_lost: list = field(default_factory=list)
    longest: float = 0.0
    over_budget: int = 0

    @property
    def twice(self):
        return sum(count > 1 for count in self.accepted.values())

    @property
    def in_vain(self):
        """Documents that are used up, though nobody was given anything."""
        return len(self.used - set(self.accepted))

    HEADER = (
        "| scenario | requests | assertions accepted | twice | used up in vain | refused for now | exchanges failed "
        "| sessions lost | over budget | longest |\n|---|---|---|---|---|---|---|---|---|---|"
    )

    def row(self):
        cells = [
            self.scenario, self.requests, len(self.accepted), self.twice, self.in_vain, self.refused,
            len(self.exchanges_failed), len(self.sessions_lost), self.over_budget, f"{self.longest * 1000:.0f} ms",
        ]  # fmt: skip
        return "| " + " | ".join(map(str, cells)) + " |"


class Load:
    """Sends every assertion to both nodes at once, exchanges tokens, and shows credentials from before, until it is ended."""

    def __init__(self, scenario, nodes, corp, token, responses):
        self.counts, self.nodes, self.corp, self.token = Counts(scenario), nodes, corp, token
        self.responses, self.lock, self.goes_on = responses, threading.Lock(), True
        self.credentials = with_token(nodes[0], BUILDER, token)["Credentials"]
        jobs = [(self._present, node, at) for node in nodes for at in range(3)]
        jobs += [(self._exchange, node, 0) for node in nodes] + [(self._show, node, 0) for node in nodes]
        self.threads = [threading.Thread(target=job, args=(node, at)) for job, node, at in jobs]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.goes_on = False
        for thread in self.threads:
            thread.join()
        return self.counts

    def _send(self, session, url, **request):
        began = time.monotonic()
        answer = session.post(url, timeout=30, **request)
        took = time.monotonic() - began
        with self.lock:
            self.counts.requests += 1
            self.counts.longest = max(self.counts.longest, took)
            self.counts.over_budget += took > BUDGET
        return answer

    def _present(self, node, at):
        """Each document by this node's three, until it is taken or used."""
        session = plain_session()
        for number in range(at, len(self.responses), 3):
            form = {
                "Version": "2011-06-15", "Action": "AssumeRoleWithSAML", "RoleArn": DEPLOY,
                "PrincipalArn": node.saml_arn(self.corp.name), "SAMLAssertion": self.responses[number],
            }  # fmt: skip
            while self.goes_on:
                answer = self._send(session, node.url, data=form)
                with self.lock:
                    if answer.status_code == 200:
                        accepted = self.counts.accepted
                        accepted[number] = accepted.get(number, 0) + 1
                        break
                    if answer.status_code != 503:
                        assert "Response has already been used" in answer.text, answer.text
                        self.counts.used.add(number)
                        break
                    self.counts.refused += 1
                time.sleep(0.02)
            if not self.goes_on:
                return

    def _exchange(self, node, _):
        session = plain_session()
        form = {
            "Version": "2011-06-15", "Action": "AssumeRoleWithWebIdentity", "RoleArn": BUILDER,
            "RoleSessionName": "job-7", "WebIdentityToken": self.token,
        }  # fmt: skip
        while self.goes_on:
            answer = self._send(session, node.url, data=form)
            if answer.status_code != 200:
                self.counts.exchanges_failed.append(answer.text)
            time.sleep(0.01)

    def _show(self, node, _):
        session = plain_session()
        given = self.credentials
        credentials = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        body = "Action=GetCallerIdentity&Version=2011-06-15"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        request = AWSRequest("POST", f"{node.url}/", data=body, headers=headers)
        SigV4Auth(credentials, "sts", "eu-central-1").add_auth(request)
        while self.goes_on:
            answer = self._send(session, f"{node.url}/", data=body, headers=dict(request.headers))
            if answer.status_code != 200:
                self.counts.sessions_lost.append(answer.text)
            time.sleep(0.01)


def plain_session():
    session = requests.Session()
    session.trust_env = False
    return session
