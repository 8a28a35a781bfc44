"""pysaml2 as an identity provider: its own metadata, its own idea of the broker's metadata."""

import base64

import requests
from saml2 import BINDING_HTTP_REDIRECT, saml
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.server import Server

from idp import PlainIdp, Style, instant
from broker import PATIENCE

NAMES = """
MAP = {
    "identifier": "urn:oasis:names:tc:SAML:2.0:attrname-format:basic",
    "fro": {"groups": "groups", "email": "email", "team": "team"},
    "to": {"groups": "groups", "email": "email", "team": "team"},
}
"""


class Pysaml2Idp(PlainIdp):
    server = None

    def config(self, **more):
        names = self.folder / "attribute-names"
        names.mkdir(exist_ok=True)
        (names / "basic.py").write_text(NAMES)
        sso = [(f"https://{self.name}.idp.example/sso", BINDING_HTTP_REDIRECT)]
        service = {
            "endpoints": {"single_sign_on_service": sso},
            "policy": {
                "default": {
                    "lifetime": {"minutes": 5},
                    "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:basic",
                    "attribute_restrictions": None,
                }
            },
        }
        return IdPConfig().load(
            {
                "entityid": self.entity_id,
                "service": {"idp": service},
                "key_file": str(self.pair.key),
                "cert_file": str(self.pair.chain),
                "xmlsec_binary": "/usr/bin/xmlsec1",
                "attribute_map_dir": str(names),
            }
            | more
        )

    def metadata(self):
        return str(entity_descriptor(self.config())).encode()

    def idp(self):
        """The provider, once the broker's SP metadata can be fetched."""
        if not self.server:
            ours = requests.get(self.broker.entity_id(self.name), timeout=PATIENCE).text
            self.server = Server(config=self.config(metadata={"inline": [ours]}))
        return self.server

    def parse(self, saml_request):
        return self.idp().parse_authn_request(saml_request, BINDING_HTTP_REDIRECT)

    def response(self, style=None, in_response_to=None, subject="ann", **_):
        style, says = style or Style(), self.says(subject=subject)
        document = self.idp().create_authn_response(
            says.attributes,
            in_response_to,
            says.recipient,
            says.audience,
            name_id=saml.NameID(text=says.subject, format=saml.NAMEID_FORMAT_PERSISTENT),
            authn={"class_ref": saml.AUTHN_PASSWORD_PROTECTED, "authn_auth": self.entity_id},
            sign_assertion=style.sign_assertion,
            sign_response=style.sign_response,
            sign_alg=style.algorithm.value,
            digest_alg=style.digest.value,
            session_not_on_or_after=instant(says.session_ends),
        )
        return base64.b64encode(str(document).encode()).decode()
