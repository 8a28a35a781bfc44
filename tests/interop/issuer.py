"""An OpenID Connect issuer that is not ours: discovery and JWKS by the standard library, keys by
`cryptography`, tokens by PyJWT."""

import json
import ssl
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

import keys


DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"


class Issuer:
    """`certificate`: a pair, for an issuer with https."""

    def __init__(self, certificate=None):
        self.signing, self.published, self.asked = {}, [], []
        # What the discovery document says otherwise, and who answers instead, by path.
        self.says, self.tricks = {}, {}
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                if self.path in issuer.tricks:
                    issuer.tricks[self.path](self)
                    return
                document = issuer.documents().get(self.path)
                body = json.dumps(document or {}).encode()
                self.send_response(200 if document else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.handler, self.certificate, self.port = Handler, certificate, 0
        self.rise()
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"

    def rise(self):
        """Answers, for the first time or again."""
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        self.port = self.server.server_address[1]
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate.chain, self.certificate.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def documents(self):
        return {
            DISCOVERY: {
                "issuer": self.url,
                "jwks_uri": f"{self.url}{KEYS}",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            }
            | self.says,
            KEYS: {"keys": self.published},
        }

    def add_key(self, algorithm, publish=True):
        """A new key, and the id it goes by."""
        key = keys.rsa_key() if algorithm == "RS256" else keys.ec_key()
        public = (RSAAlgorithm if algorithm == "RS256" else ECAlgorithm).to_jwk(key.public_key(), as_dict=True)
        key_id = uuid.uuid4().hex
        self.signing[key_id] = (algorithm, key)
        if publish:
            self.published.append(public | {"kid": key_id, "use": "sig", "alg": algorithm})
        return key_id

    def token(self, key_id, header=None, **changes):
        """A token as a build system gives it to a job; a claim that is `None` is left out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "repo:example/app",
            "aud": "builder",
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": uuid.uuid4().hex,
            "ref": "refs/heads/main",
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        algorithm, key = self.signing[key_id]
        return jwt.encode(claims, key, algorithm, headers={"kid": key_id} | (header or {}))

    def die(self):
        """No more answers, not even to a connection attempt."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
