"""Nodes of one broker: the same configuration and keys, on addresses of their own."""

import shutil

from broker import Broker, eventually, free_ports


def first_node(folder, corp, issuer, store, **secrets):
    """A node that trusts both, on the store that these lines of settings say. Secrets are files beside them."""
    node = Broker(folder)
    for name, secret in secrets.items():
        path = node.folder / name.replace("_", "-")
        path.write_text(secret)
        path.chmod(0o600)
    node.settings = node.settings.replace('kind = "embedded"\npath = "store"', store)
    if "admin_token" in secrets:
        node.settings += '[admin]\ntoken = { file = "admin-token" }\n'
    node.trust_saml("corp", corp.metadata())
    node.trust_oidc(issuer.url)
    corp.broker = node
    return node.start()


def twin(node, folder):
    """The same node, elsewhere, before it is started."""
    other = Broker(folder)
    public, operations = free_ports(2)
    shutil.copytree(node.folder, folder, dirs_exist_ok=True)
    settings = node.config.read_text().replace(f'public = "127.0.0.1:{node.address[1]}"', f'public = "127.0.0.1:{public}"')
    old = node.operations.removeprefix("http://")
    other.config.write_text(settings.replace(f'operations = "{old}"', f'operations = "127.0.0.1:{operations}"'))
    other.url, other.operations = f"http://127.0.0.1:{public}", f"http://127.0.0.1:{operations}"
    return other


def hear_each_other(nodes):
    for node in nodes:
        eventually(lambda: node.dependency("revocations of other nodes")["state"] == "ok", "the other node")
