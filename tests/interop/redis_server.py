"""A Redis server on loopback, which may freeze, die and come back."""

import shutil
import signal
import subprocess

import requests

from broker import PATIENCE, Process, eventually, free_ports


class Redis:
    """Debian's redis-server, with a password, and its data in a folder."""

    PASSWORD = "a password of the store"

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        (self.port,) = free_ports(1)
        self.start()

    def start(self):
        self.process = Process(
            [shutil.which("redis-server"), "--port", self.port, "--bind", "127.0.0.1", "--requirepass", self.PASSWORD,
             "--dir", self.folder, "--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        )  # fmt: skip
        eventually(lambda: self.command("PING") == "PONG", "redis-server")

    def command(self, *words):
        """What redis-cli says."""
        said = subprocess.run(
            ["redis-cli", "-p", str(self.port), "--no-auth-warning", "-a", self.PASSWORD, *words],
            capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        return said.stdout.strip()

    def freeze(self):
        self.process.signal(signal.SIGSTOP)

    def go_on(self):
        self.process.signal(signal.SIGCONT)

    def kill(self):
        self.process.signal(signal.SIGKILL)
        self.process.child.wait()

    def stop(self):
        if self.process.child.poll() is None:
            self.go_on()
            self.kill()


def revoke(broker, token, **what):
    """Asks those in charge's API of a node; the status."""
    answer = requests.post(
        f"{broker.operations}/admin/v1/revocations", json=what, timeout=PATIENCE,
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    return answer.status_code
