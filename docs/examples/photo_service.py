#!/usr/bin/env python3
"""A service that takes requests signed with Rolegate's credentials, and asks Rolegate about each.

    photo_service.py PORT BROKER CLIENT SECRET_FILE [HEADER]

GET, PUT and DELETE of /NAME need s3:GetObject, s3:PutObject and s3:DeleteObject on arn:aws:s3:::demo-photos/NAME.
Photos are kept in memory. HEADER is where a proxy in front says the client's address (see nginx.conf). Nothing but Python's standard library is needed.
"""

import base64
import hashlib
import json
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT, BROKER, CLIENT, SECRET_FILE, *HEADER = sys.argv[1:]
SECRET = Path(SECRET_FILE).read_text().strip()
LARGEST = 10_000_000
PHOTOS = {}


def verify(asked):
    """What Rolegate says of a request."""
    basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {basic}"}
    request = urllib.request.Request(f"{BROKER}/v1/verify", json.dumps(asked).encode(), headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


class Photos(BaseHTTPRequestHandler):
    def handle_request(self, action):
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST or "Transfer-Encoding" in self.headers:
            return self.answer(413, "Send up to 10 MB, with a Content-Length.")
        body = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        # All that a signature covers, as it came; a header that comes twice has several values.
        names = {name.lower() for name in self.headers}
        said = verify(
            {
                "service": "photos",
                "method": self.command,
                "path": path,
                "query": query,
                "headers": {name: self.headers.get_all(name) for name in names},
                "body_sha256": hashlib.sha256(body).hexdigest(),
                "access": {
                    "action": action,
                    "resource": f"arn:aws:s3:::demo-photos{path}",
                    "context": {"aws:SourceIp": self.client_ip()},
                },
            }
        )
        if not said["valid"]:
            return self.answer(said["status"], f"{said['code']}: {said['message']}")
        if not said["access"]["allowed"]:
            return self.answer(403, said["access"]["message"])
        self.act(path, body, said["principal"]["arn"])

    def client_ip(self):
        # Only the proxy reaches this service then, and it overwrites what a client says there.
        return self.headers[HEADER[0]] if HEADER else self.client_address[0]

    def act(self, path, body, who):
        if self.command == "PUT":
            PHOTOS[path] = body
            return self.answer(200, f"{path} is kept for {who}")
        photo = PHOTOS.pop(path, None) if self.command == "DELETE" else PHOTOS.get(path)
        self.answer(404, "there is no such photo") if photo is None else self.answer(200, photo)

    def answer(self, status, said):
        is_text = isinstance(said, str)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8" if is_text else "application/octet-stream")
        self.end_headers()
        self.wfile.write(said.encode() + b"\n" if is_text else said)

    def do_GET(self):
        self.handle_request("s3:GetObject")

    def do_PUT(self):
        self.handle_request("s3:PutObject")

    def do_DELETE(self):
        self.handle_request("s3:DeleteObject")

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(PORT)), Photos).serve_forever()
