"""A Redis server on loopback, which may freeze, die and come back."""

import shutil
import signal
import subprocess

import requests

from broker import PATIENCE, Process, eventually, free_ports


class Redis:
    """Debian's redis-server, with a password, and its data in a folder. Perhaps the replica of another."""

    PASSWORD = "a-password-of-the-store"

    def __init__(self, folder, master=None):
        folder.mkdir()
        self.folder, self.more = folder, []
        (self.port,) = free_ports(1)
        if master:
            self.more = ["--replicaof", f"127.0.0.1 {master.port}"]
        self.start()

    def start(self):
        self.process = Process(
            [shutil.which("redis-server"), "--port", self.port, "--bind", "127.0.0.1", "--requirepass", self.PASSWORD,
             "--masterauth", self.PASSWORD, "--dir", self.folder, "--save", "", "--appendonly", "yes",
             "--appendfsync", "always", "--repl-diskless-sync-delay", "0", *self.more]
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


class Sentinel:
    """One who watches a master and its replicas, and says which of them is the master."""

    NAME = "rolegate"

    def __init__(self, folder, master, quorum):
        folder.mkdir()
        (self.port,) = free_ports(1)
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {self.NAME} 127.0.0.1 {master.port} {quorum}\n"
            f"sentinel auth-pass {self.NAME} {Redis.PASSWORD}\n"
            f"sentinel down-after-milliseconds {self.NAME} 700\nsentinel failover-timeout {self.NAME} 2000\n"
        )
        self.process = Process([shutil.which("redis-server"), config, "--sentinel"])
        eventually(lambda: "rolegate" in self.command("SENTINEL", "MASTERS"), "the sentinel")

    def command(self, *words):
        """What redis-cli says."""
        said = subprocess.run(
            ["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True, timeout=PATIENCE
        )
        return said.stdout.strip()

    def knows(self, replicas, others):
        said = self.command("SENTINEL", "MASTER", self.NAME).split("\n")
        about = dict(zip(said[::2], said[1::2], strict=False))
        return (about["num-slaves"], about["num-other-sentinels"]) == (str(replicas), str(others))

    def master_port(self):
        return int(self.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.NAME).split("\n")[1])

    def stop(self):
        self.process.signal(signal.SIGKILL)
        self.process.child.wait()


def revoke(broker, token, **what):
    """Asks those in charge's API of a node; the status."""
    answer = requests.post(
        f"{broker.operations}/admin/v1/revocations", json=what, timeout=PATIENCE,
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    return answer.status_code
