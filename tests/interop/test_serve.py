"""Running it: HTTPS, logs, health and metrics, stopping, restarting, checking a configuration, its
schema."""

import json
import re
import resource
import signal
import socket
import threading
import urllib.parse
from pathlib import Path

import pytest
import requests

import keys
from broker import BUILDER, DEPLOY, PATIENCE, READ_ONLY, Broker, eventually, run
from clients import Browser, as_environment, aws, refusal, sts, with_saml, with_token
from idp import PlainIdp
from issuer import Issuer

ROOT = Path(__file__).parents[2]
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def test_https(tmp_path, issuer, token):
    """A certificate of one's own: the CLI trusts it by AWS_CA_BUNDLE, and without it doesn't."""
    certificate = keys.pair(tmp_path, "server", keys.ec_key())
    broker = Broker(tmp_path / "broker", certificate)
    broker.trust_oidc(issuer.url)
    broker.start()
    arguments = ["sts", "assume-role-with-web-identity", "--role-arn", BUILDER, "--role-session-name", "job"]
    arguments += ["--web-identity-token", token]
    bundle = {"AWS_CA_BUNDLE": certificate.chain}
    credentials = aws(broker, *arguments, **bundle)["Credentials"]
    me = aws(broker, "sts", "get-caller-identity", **as_environment(credentials) | bundle)
    assert me["Arn"] == "arn:aws:sts::111122223333:assumed-role/Builder/job"
    with pytest.raises(AssertionError, match="CERTIFICATE_VERIFY_FAILED"):
        aws(broker, *arguments)
    page = requests.get(f"{broker.url}/portal", verify=certificate.chain, timeout=PATIENCE)
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(broker.url.replace("https", "http") + "/portal", timeout=PATIENCE)
    assert broker.stop() == 0, broker.output


@pytest.mark.parametrize("form", ["text", "json"])
def test_log(tmp_path, issuer, form):
    """Every request has an id that its answer carries too; no secret is ever written, at any level."""
    broker, corp = Broker(tmp_path / "broker"), PlainIdp("corp", tmp_path)
    broker.settings = broker.settings.replace('level = "info"', f'level = "trace"\nformat = "{form}"')
    corp.broker = broker
    broker.trust_saml("corp", corp.metadata())
    broker.trust_oidc(issuer.url)
    broker.start()
    token = issuer.token(next(iter(issuer.signing)))
    secrets, ids = [token, token.split(".")[1], token.split(".")[2]], []

    def keep(answer):
        ids.append(answer["ResponseMetadata"]["RequestId"])
        credentials = answer["Credentials"]
        secrets.extend([credentials["SecretAccessKey"], credentials["SessionToken"]])
        return credentials

    credentials = keep(with_token(broker, BUILDER, token))
    response, refused = corp.response(), corp.response(audience="https://other.example")
    secrets += [response, response[200:300], refused, refused[200:300]]
    keep(with_saml(broker, corp, DEPLOY, response))
    refusal(with_saml, broker, corp, DEPLOY, response)
    refusal(with_saml, broker, corp, DEPLOY, refused)
    refusal(with_token, broker, BUILDER, token[:-6] + "AAAAAA")
    ids.append(sts(broker, credentials).get_caller_identity()["ResponseMetadata"]["RequestId"])
    presigned = sts(broker, credentials).generate_presigned_url("get_caller_identity", HttpMethod="GET")
    assert requests.get(presigned, timeout=PATIENCE).status_code == 200
    secrets += [urllib.parse.parse_qs(presigned)["X-Amz-Signature"][0], "X-Amz-Signature", "Action=GetCaller"]

    browser = Browser(broker)
    session = {
        "sessionId": credentials["AccessKeyId"],
        "sessionKey": credentials["SecretAccessKey"],
        "sessionToken": credentials["SessionToken"],
    }
    asked = urllib.parse.urlencode({"Action": "getSigninToken", "Session": json.dumps(session)})
    signin_token = browser.get(f"/federation?{asked}").json()["SigninToken"]
    asked = {"Action": "login", "SigninToken": signin_token, "Destination": f"{broker.url}/console"}
    assert browser.get("/federation?" + urllib.parse.urlencode(asked)).status_code == 302
    assert browser.get("/federation?" + urllib.parse.urlencode(asked)).status_code == 400
    secrets += [signin_token, "getSigninToken", "SigninToken="]
    posted = browser.post("/saml/corp/acs", SAMLResponse=corp.response(), roleIndex=READ_ONLY)
    assert posted.status_code == 303
    ids.append(posted.headers["x-amzn-requestid"])
    secrets += [cookie.value for cookie in browser.session.cookies]
    secrets += [(broker.folder / "keys/ring").read_text().strip()]
    assert broker.stop() == 0
    for request_id in ids:
        assert re.fullmatch(UUID, request_id)
        assert request_id in broker.output
    found = [secret[:40] for secret in secrets if secret in broker.output]
    assert found == []
    assert "\x1b" not in broker.output, "colours in a log that is no terminal"
    if form == "json":
        lines = [json.loads(line) for line in broker.output.splitlines()]
        assert any(line.get("message") == "answered" for line in lines)


def test_console_url(broker, token):
    """`rolegate console-url`: a link by credentials of the environment, of a file or of another command's output."""
    made = with_token(broker, BUILDER, token)["Credentials"]
    environment, printed = as_environment(made), json.dumps({"Credentials": made}, default=str)
    there = ["console-url", "--broker", broker.url]
    for link in (
        run(*there, "--duration", "12h", "--destination", f"{broker.url}/portal", environment=environment),
        run(*there, "--credentials", "-", input=printed),
    ):
        assert (link.returncode, link.stderr, link.stdout.count("\n")) == (0, "", 1), link
        browser = Browser(broker)
        assert browser.get(link.stdout.strip().removeprefix(broker.url)).status_code == 302
        assert "assumed-role/Builder/" in browser.get("/console").text
    refused = run(*there, environment=environment | {"AWS_SESSION_TOKEN": "x"})
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr == f"{broker.url}/ answers 400 Bad Request: Invalid Credentials Parameter\n"
    missing = run(*there)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "AWS_SESSION_TOKEN are not all set" in missing.stderr
    nobody = run("console-url", "--broker", "http://127.0.0.1:1", environment=environment)
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert "onnection refused" in nobody.stderr
    clear = run("console-url", "--broker", "http://192.0.2.1", environment=environment)
    assert (clear.returncode, clear.stdout) == (1, "") and "http://192.0.2.1" in clear.stderr


def test_operations(broker, token):
    """/healthz and /readyz say how it is, /metrics counts; none of them is on the public listener."""
    read = lambda path: requests.get(broker.operations + path, timeout=PATIENCE)
    assert (read("/healthz").status_code, read("/healthz").text) == (200, "ok\n")
    counted = re.compile(
        r'^rolegate_credentials_issued_total\{action="AssumeRoleWithWebIdentity"\} (\d+)$', re.MULTILINE
    )
    with_token(broker, BUILDER, token)
    before = int(counted.search(read("/metrics").text)[1])
    with_token(broker, BUILDER, token)
    refusal(with_token, broker, BUILDER, "no-token")
    metrics = read("/metrics")
    assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert int(counted.search(metrics.text)[1]) == before + 1
    assert re.search(r'^rolegate_requests_total\{surface="sts",status="400"\} \d+$', metrics.text, re.MULTILINE)
    assert re.search(r'^rolegate_refusals_total\{check="oidc[^"]*"\} \d+$', metrics.text, re.MULTILINE)
    for line in metrics.text.splitlines():
        assert re.fullmatch(r"#.*|[a-z_]+(\{[^{}]*\})? ([-+0-9.e]+|NaN)|", line), line
    ready = read("/readyz").json()
    assert ready["ready"] is True
    names = {each["name"]: each["state"] for each in ready["dependencies"]}
    # The certificate of `corp` is good for a day only.
    assert names == {"store (embedded)": "ok", "key ring": "ok", "provider corp": "degraded", "provider ci": "ok"}
    assert all(each["means"] for each in ready["dependencies"])
    for path in "/healthz", "/readyz", "/metrics":
        assert requests.get(broker.url + path, timeout=PATIENCE).status_code == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_graceful_stop(tmp_path, issuer, token, number):
    """A request that is under way when the signal comes is finished; then the exit code is 0."""
    broker = Broker(tmp_path)
    broker.trust_oidc(issuer.url)
    broker.start()
    body = urllib.parse.urlencode(
        dict(Action="AssumeRoleWithWebIdentity", Version="2011-06-15", RoleArn=BUILDER)
        | dict(RoleSessionName="job", WebIdentityToken=token)
    ).encode()
    head = f"POST / HTTP/1.1\r\nHost: {broker.address[0]}:{broker.address[1]}\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(broker.address, PATIENCE) as connection:
        connection.sendall(head.encode())
        # The interim answer shows that the request has arrived; half its body follows the signal.
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        broker.process.signal(number)

        def refused():
            try:
                socket.create_connection(broker.address, PATIENCE).close()
            except ConnectionRefusedError:
                return True
            except ConnectionResetError:
                pass  # It was queued when the listener closed: the next one is refused.

        eventually(refused, "the listener to close")
        assert broker.process.child.poll() is None
        connection.sendall(body)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if b"</AssumeRoleWithWebIdentityResponse>" in answer:
                break
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert broker.process.wait() == 0, broker.output


def test_stop_under_load(tmp_path, issuer, token):
    """Nobody gets half an answer: while it stops, a call is answered or not begun."""
    broker = Broker(tmp_path)
    broker.trust_oidc(issuer.url)
    broker.start()
    answered, broken = [], []

    def call():
        client = sts(broker)
        while True:
            try:
                client.assume_role_with_web_identity(
                    RoleArn=BUILDER, RoleSessionName="load", WebIdentityToken=token
                )
                answered.append(1)
            except Exception as error:  # noqa: BLE001: what it is, is looked at below
                return broken.append(type(error).__name__)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(answered) >= 20, "some load")
    assert broker.stop() == 0, broker.output
    for thread in threads:
        thread.join(PATIENCE)
    assert set(broken) <= {"EndpointConnectionError", "ConnectionClosedError"}, broken


def test_restart(tmp_path, issuer, token):
    """Used assertions stay used, credentials and cookies stay good: the store and the ring are on disk."""
    broker, corp = Broker(tmp_path / "broker"), PlainIdp("corp", tmp_path)
    corp.broker = broker
    broker.trust_saml("corp", corp.metadata())
    broker.trust_oidc(issuer.url)
    broker.start()
    used, fresh = corp.response(), corp.response()
    credentials = with_saml(broker, corp, DEPLOY, used)["Credentials"]
    browser = Browser(broker)
    assert browser.post("/saml/corp/acs", SAMLResponse=corp.response(), roleIndex=DEPLOY).status_code == 303
    assert broker.stop() == 0, broker.output
    broker.start()
    again = ("InvalidIdentityToken", "Response has already been used", 400)
    assert refusal(with_saml, broker, corp, DEPLOY, used) == again
    assert with_saml(broker, corp, DEPLOY, fresh)["Subject"] == "ann"
    assert sts(broker, credentials).get_caller_identity()["Arn"].endswith("/Deploy/ann@example.com")
    assert browser.get("/console").status_code == 200
    # Even a kill loses no claim.
    broker.process.child.kill()
    broker.process.wait()
    broker.start()
    assert refusal(with_saml, broker, corp, DEPLOY, fresh) == again
    assert broker.stop() == 0, broker.output
    # Without its ring nothing sealed is believed.
    (broker.folder / "keys/ring").unlink()
    broker.start()
    assert refusal(sts(broker, credentials).get_caller_identity)[0] == "InvalidClientTokenId"
    assert browser.get("/console").status_code == 303
    assert broker.stop() == 0, broker.output


def test_full_disk(tmp_path, issuer, token):
    """Without room nothing is accepted twice, tokens still work, and room brings the store back.

    The disk is full by a limit on the file's size: a write beyond it fails as one on a full disk.
    """
    broker, corp = Broker(tmp_path / "broker"), PlainIdp("corp", tmp_path)
    corp.broker = broker
    broker.trust_saml("corp", corp.metadata())
    broker.trust_oidc(issuer.url)
    # Python ignores SIGXFSZ, and the child shall too.
    broker.start(restore_signals=False)
    used, fresh = corp.response(), corp.response()
    assert with_saml(broker, corp, DEPLOY, used)["Subject"] == "ann"
    child = broker.process.child.pid
    resource.prlimit(child, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    full = ("ServiceUnavailable", "The broker's store does not answer. Try again.", 503)
    assert refusal(with_saml, broker, corp, DEPLOY, fresh) == full
    assert with_token(broker, BUILDER, token)["Credentials"]["AccessKeyId"].startswith("ASIA")
    readiness = requests.get(f"{broker.operations}/readyz", timeout=PATIENCE)
    assert (readiness.status_code, readiness.json()["ready"]) == (503, False)
    resource.prlimit(child, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert with_saml(broker, corp, DEPLOY, fresh)["Subject"] == "ann"
    assert refusal(with_saml, broker, corp, DEPLOY, used)[1] == "Response has already been used"
    assert refusal(with_saml, broker, corp, DEPLOY, fresh)[1] == "Response has already been used"
    assert requests.get(f"{broker.operations}/readyz", timeout=PATIENCE).status_code == 200
    assert broker.stop() == 0, broker.output


def test_log_lines_are_not_forged(tmp_path, issuer):
    """Line breaks and escapes of a stranger stay within the line that they belong to."""
    broker = Broker(tmp_path / "broker")
    broker.trust_oidc(issuer.url)
    broker.start()
    forged = "%0A2026-11-22T17:00:00Z  INFO audit: event=issued %1b[2J"
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A/20261122/us-east-1/sts/aws4_request"
    query += f"&X-Amz-Signature=x&X-Amz-SignedHeaders=host&X-Amz-Date={forged}"
    for path in [
        f"/?Action=GetCallerIdentity&Version=2011-06-15&{query}",
        f"/?Action={forged}&Version=2011-06-15",
        f"/oidc/corp/callback?error={forged}&error_description={forged}",
        f"/saml/{forged}/login",
    ]:
        assert requests.get(broker.url + path, timeout=PATIENCE, allow_redirects=False).status_code >= 400
    assert broker.stop() == 0
    assert "event=issued" in broker.output
    lines = broker.output.splitlines()
    assert not [line for line in lines if line.startswith("2026-11-22T17:00:00Z")], broker.output
    assert "\x1b" not in broker.output


def test_the_log_tells_who_was_refused_what(tmp_path, issuer):
    """Who was believed and got nothing is named, with what was missing; a client that proved nothing is counted apart."""
    broker = Broker(tmp_path / "broker")
    broker.trust_oidc(issuer.url)
    broker.start()
    host = issuer.url.split("://", 1)[1]
    arn = f"arn:aws:iam::{BUILDER.split(':')[4]}:oidc-provider/{host}"
    key, lasting = next(iter(issuer.signing)), {"DurationSeconds": 43200}
    assert refusal(with_token, broker, BUILDER, issuer.token(key, sub="job:7"))[0] == "AccessDenied"
    assert refusal(with_token, broker, BUILDER, issuer.token(key, ref="refs/heads/other"))[0] == "AccessDenied"
    assert refusal(with_token, broker, BUILDER, issuer.token(key), **lasting)[0] == "ValidationError"
    form = {"grant_type": "refresh_token", "client_id": "nobody", "refresh_token": "x"}
    assert requests.post(f"{broker.url}/oauth2/token", data=form, timeout=PATIENCE).status_code == 401
    metrics = requests.get(f"{broker.operations}/metrics", timeout=PATIENCE).text
    for check in "policy.denied", "rules.no-offer", "policy.duration", "oauth.client":
        assert f'rolegate_refusals_total{{check="{check}"}} 1\n' in metrics, metrics
    assert broker.stop() == 0
    whose = f'event="not-granted" action="AssumeRoleWithWebIdentity" provider="{arn}"'
    unmet = f'Statement[0]: StringLike {host}:sub wants [\\"repo:*\\"] and has [\\"job:7\\"]'
    for line in [
        f'{whose} subject="job:7" role="{BUILDER}" unmet="{unmet}"',
        f'{whose} subject="repo:example/app" role="{BUILDER}"\n',
        'event="refused" answered="invalid_client" check="oauth.client" reason="There is no such client',
    ]:
        assert line in broker.output, broker.output


def test_slow_body(broker):
    """A body that does not come is given up, and the connection with it."""
    address = broker.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=PATIENCE) as sender:
        sender.settimeout(30)
        head = "POST / HTTP/1.1\r\nHost: broker\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        sender.sendall(f"{head}Content-Length: 1000\r\n\r\nA".encode())
        assert sender.recv(64).startswith(b"HTTP/1.1 408 ")
        while sender.recv(4096):
            pass


def test_second_broker_on_the_same_ports_and_store(broker):
    """It says what is taken and ends with 1; the first goes on."""
    second = run("serve", "--config", broker.config)
    assert second.returncode == 1
    assert f"can't listen on {broker.url.removeprefix('http://')}" in second.stderr
    moved = broker.folder / "second.toml"
    moved.write_text(re.sub(r'(public|operations) = "127.0.0.1:\d+"', r'\1 = "127.0.0.1:0"', broker.settings))
    second = run("serve", "--config", moved)
    assert second.returncode == 1, second
    assert "is another broker running on the same [store] path?" in second.stderr
    assert requests.get(f"{broker.operations}/readyz", timeout=PATIENCE).status_code == 200


def test_check(tmp_path, issuer):
    """A good configuration passes; a bad one is answered with all faults, each with file and line."""
    broker, corp = Broker(tmp_path / "broker"), PlainIdp("corp", tmp_path)
    broker.trust_saml("corp", corp.metadata())
    broker.trust_oidc(issuer.url)
    broker.write()
    good = run("check", "--config", broker.config)
    assert (good.returncode, good.stdout) == (0, f"{broker.config}: the configuration is valid\n"), good.stderr

    faults = {
        'alias = "prod"': 'alias = "prod"\n[[account]]\nid = "12345"',
        f'roles = ["{BUILDER}"]': 'roles = ["arn:aws:iam::111122223333:role/ci/Bilder"]',
        """when = '"platform" in attr["groups"]'""": """when = '"platform" in'""",
        f'arn = "{READ_ONLY}"': f'arn = "{DEPLOY}"',
    }
    text = broker.settings
    for good_line, bad_line in faults.items():
        assert good_line in text, good_line
        text = text.replace(good_line, bad_line, 1)
    bad = broker.folder / "bad.toml"
    bad.write_text(text)
    lines = text.splitlines()
    wrong = [
        1 + next(number for number, line in enumerate(lines) if needle in line)
        for needle in ['id = "12345"', "Bilder", "in'"]
    ]
    wrong.append(1 + [number for number, line in enumerate(lines) if f'arn = "{DEPLOY}"' in line][1])
    ended = run("check", "--config", bad)
    assert ended.returncode == 2
    named = {int(number) for number in re.findall(rf"{re.escape(str(bad))}:(\d+)", ended.stderr)}
    assert set(wrong) <= named, ended.stderr
    served = run("serve", "--config", bad)
    assert (served.returncode, served.stderr) == (2, ended.stderr)

    # Unknown keys and secrets inline are faults too; so is a file that is not there.
    bad.write_text(broker.settings.replace("[store]", '[store]\npassword = "hunter2"'))
    ended = run("check", "--config", bad)
    assert ended.returncode == 2 and re.search(r"bad\.toml:\d+", ended.stderr) and "password" in ended.stderr
    ended = run("check", "--config", tmp_path / "nowhere.toml")
    assert ended.returncode == 2 and "nowhere.toml" in ended.stderr


def test_usage():
    """Bad usage is 2, and nothing that is not built is offered."""
    assert run("serve").returncode == 2
    assert run("conquer").returncode == 2
    helped = run("--help")
    assert helped.returncode == 0
    commands = re.findall(r"^  ([a-z-]+)  ", helped.stdout, re.MULTILINE)
    assert set(commands) - {"help"} == {"demo", "serve", "check", "explain", "test", "diff", "who-can", "keys", "store", "schema", "console-url"}


def described(node, path, faults):
    """Walks a schema and notes every property without a description."""
    if isinstance(node, list):
        for index, each in enumerate(node):
            described(each, f"{path}/{index}", faults)
    elif isinstance(node, dict):
        properties = node.get("properties", {})
        for name, each in properties.items():
            # A choice's own text describes its tag, or its only property.
            is_choice = "const" in each or len(properties) == 1
            if not each.get("description") and not (is_choice and node.get("description")):
                faults.append(f"{path}/{name}")
        for name, each in node.items():
            described(each, f"{path}/{name}", faults)


def test_schema(tmp_path):
    """It is a JSON Schema that describes every setting, and shipped configurations fit it."""
    import tomllib

    from jsonschema import Draft202012Validator

    printed = run("schema")
    assert printed.returncode == 0
    schema = json.loads(printed.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    faults = []
    described(schema, "", faults)
    assert faults == []
    validator = Draft202012Validator(schema)
    shipped = [path for path in [ROOT / "config/rolegate.toml"] if path.exists()]
    broker = Broker(tmp_path)
    broker.trust_saml("corp", PlainIdp("corp", tmp_path).metadata())
    broker.trust_oidc("http://127.0.0.1:1")
    broker.write()
    for path in [*shipped, broker.config]:
        problems = [f"{each.json_path}: {each.message}" for each in validator.iter_errors(tomllib.loads(path.read_text()))]
        assert problems == [], path
    broken = tomllib.loads(broker.config.read_text())
    broken["provider"][0]["metadatas"] = broken["provider"][0].pop("metadata")
    assert list(validator.iter_errors(broken))


@pytest.mark.skipif(not (ROOT / "config/rolegate.toml").exists(), reason="no configuration is shipped")
def test_shipped_configuration():
    """`check` finds no fault in it."""
    checked = run("check", "--config", ROOT / "config/rolegate.toml")
    assert checked.returncode == 0, checked.stderr


def test_the_key_ring_turns_while_it_runs(tmp_path, issuer, token):
    """Who has credentials notices nothing, until a key is taken out."""
    broker = Broker(tmp_path / "broker")
    broker.trust_oidc(issuer.url)
    broker.start()
    before = with_token(broker, BUILDER, token)["Credentials"]

    def keys_command(*arguments):
        done = run(*arguments[:2], "--config", broker.config, *arguments[2:])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sealing():
        return broker.dependency("key ring")["detail"].split()[0]

    def arn(credentials):
        return sts(broker, credentials).get_caller_identity()["Arn"]

    first, me = sealing(), arn(before)
    added = keys_command("keys", "rotate", "--seals-in", "0s").split()[1]
    eventually(lambda: sealing() == added, "the new key to seal")
    assert first != added
    after = with_token(broker, BUILDER, token)["Credentials"]
    assert arn(before) == arn(after) == me

    ring = broker.folder / "keys" / "ring"
    good = ring.read_bytes()
    ring.write_text("scrambled\n")
    trouble = eventually(lambda: broker.dependency("key ring")["state"] == "degraded", "the ring to be seen")
    assert trouble and broker.dependency("key ring")["detail"].startswith("line 1 is not a time and")
    assert arn(before) == arn(after) == me
    assert "rolegate_key_ring_followed 0" in requests.get(f"{broker.operations}/metrics", timeout=PATIENCE).text
    ring.write_bytes(good)
    eventually(lambda: broker.dependency("key ring")["state"] == "ok", "the ring to be good")

    keys_command("keys", "rotate", "--compromised")
    eventually(lambda: sealing() not in (first, added), "the last key to seal")
    for credentials in before, after:
        assert refusal(arn, credentials)[::2] == ("InvalidClientTokenId", 403)
    assert arn(with_token(broker, BUILDER, token)["Credentials"]) == me
    assert broker.stop() == 0, broker.output
