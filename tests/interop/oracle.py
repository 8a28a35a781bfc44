"""samael over libxml2 and xmlsec1, which shares no line with the broker: a second opinion."""

import base64
import os
import selectors
import subprocess

from broker import PATIENCE


class Oracle:
    """`tests/oracle` as a running program: one question a line, one answer a line."""

    def __init__(self):
        self.process = subprocess.Popen(
            [os.environ["SAMAEL_ORACLE"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.provider = None

    def subject(self, broker, idp, xml):
        """The NameID of a response of `idp` that it accepts, else nothing."""
        if self.provider is not idp:
            told = self.ask("provider", idp.metadata(), broker.entity_id(idp.name), broker.acs(idp.name))
            assert told == "ok", told
            self.provider = idp
        verdict, _, told = self.ask("verify", xml, "-").partition(" ")
        return base64.b64decode(told).decode() if verdict == "ok" else None

    def ask(self, *words):
        """The answer to a question; bytes go as base64."""
        encoded = [base64.b64encode(word).decode() if isinstance(word, bytes) else word for word in words]
        self.process.stdin.write(" ".join(encoded) + "\n")
        self.process.stdin.flush()
        assert self.selector.select(PATIENCE), f"the oracle is silent, asked to {words}"
        answer = self.process.stdout.readline()
        assert answer, f"the oracle died, asked to {words}"
        return answer.rstrip("\n")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
