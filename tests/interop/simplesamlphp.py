"""SimpleSAMLphp: a whole identity provider, Debian's package on PHP's own web server.

`tests/interop/run` has unpacked it (`target/interop/simplesamlphp`).
All that is ours is its configuration. Service providers are those whose metadata lies in `sp/`: it
reads them with its own parser.
"""

import json
import os
import secrets
from pathlib import Path

import requests

import keys
from broker import PATIENCE, Process, free_ports, plain_environment
from peer import PASSWORD, Peer

PACKAGE = Path(os.environ["INTEROP_WORK"], "simplesamlphp")
ANN = {
    "uid": "ann",
    "mail": "ann@example.com",
    "ou": "core",
    "cn": "Ann O'Neil Söhne",
    "title": 'R&D <"lead">',
    "eduPersonAffiliation": ["platform", "everyone"],
    "eduPersonPrincipalName": "ann@example.com",
    "eduPersonEntitlement": ["urn:mace:example.com:a", "urn:mace:example.com:b"],
}
# Its configuration is PHP; what is in it comes as JSON.
READ = "<?php ${variable} = json_decode(file_get_contents(__DIR__ . '/{name}.json'), true);\n"
READ_METADATA = """<?php
foreach (glob(__DIR__ . '/sp/*.xml') as $file) {
    $entity = SimpleSAML\\Metadata\\SAMLParser::parseFile($file)->getMetadata20SP();
    $settings = json_decode(file_get_contents("$file.json"), true);
    $metadata[$entity['entityid']] = $settings + $entity;
}
"""


class SimpleSamlPhp(Peer):
    """The server, with one person."""

    def __init__(self, folder):
        (port,) = free_ports(1)
        self.folder = Path(folder)
        self.url = f"http://127.0.0.1:{port}"
        self.entity_id = self.metadata_url = f"{self.url}/saml2/idp/metadata.php"
        self.logout_url = f"{self.url}/saml2/idp/SingleLogoutService.php?ReturnTo={self.url}/logout.php"
        self.signed_out = "You have been logged out"
        self.configure()
        self.process = Process(
            ["php", "-d", "display_errors=0", "-S", f"127.0.0.1:{port}"]
            + ["-t", PACKAGE / "usr/share/simplesamlphp/www"],
            env=plain_environment(SIMPLESAMLPHP_CONFIG_DIR=self.folder),
        )

    def configure(self):
        pair = keys.pair(self.folder, "simplesamlphp")
        here = f"{self.folder}/"
        settings = {
            "baseurlpath": f"{self.url}/",
            "certdir": here,
            "datadir": here,
            "tempdir": here + "tmp",
            "metadatadir": here,
            "attributenamemapdir": f"{PACKAGE}/etc/simplesamlphp/attributemap/",
            "timezone": "UTC",
            "secretsalt": secrets.token_urlsafe(),
            "auth.adminpassword": secrets.token_urlsafe(),
            "logging.handler": "errorlog",
            "enable.saml20-idp": True,
            "module.enable": {"exampleauth": True},
            "session.cookie.secure": False,
            "session.phpsession.savepath": here,
        }
        hosted = {"host": "__DEFAULT__", "privatekey": pair.key.name, "certificate": pair.chain.name}
        self.write("config", "config", settings)
        self.write("authsources", "config", {"corp": {"0": "exampleauth:UserPass", f"ann:{PASSWORD}": ANN}})
        self.write("saml20-idp-hosted", "metadata", {self.entity_id: hosted | {"auth": "corp"}})
        (self.folder / "saml20-sp-remote.php").write_text(READ_METADATA)
        (self.folder / "sp").mkdir()

    def write(self, name, variable, value):
        (self.folder / f"{name}.json").write_text(json.dumps(value))
        (self.folder / f"{name}.php").write_text(READ.format(name=name, variable=variable))

    def up(self):
        self.wait_for(self.metadata_url)
        return self

    def register(self, broker, name, settings):
        ours = requests.get(broker.entity_id(name), timeout=PATIENCE).content
        (self.folder / "sp" / f"{name}.xml.json").write_text(json.dumps(settings))
        (self.folder / "sp" / f"{name}.xml").write_bytes(ours)

    def portal_url(self, broker, name):
        return f"{self.url}/saml2/idp/SSOService.php?spentityid={broker.entity_id(name)}"
