"""Credentials for credentials: users' access keys, chains of roles, and codes of an authenticator app,
by boto3 and by the AWS CLI's own profiles."""

import base64
import datetime
import hashlib
import hmac
import struct
import sys
import time

import boto3
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from broker import ACCOUNT, PATIENCE, Broker, Process, eventually, free_ports
from clients import aws, refusal, sts
from nginx import EXAMPLES, nginx

START, NEXT, VAULT, NEAR = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("Start", "Next", "Vault", "Near"))
ANN, SERIAL = f"arn:aws:iam::{ACCOUNT}:user/people/ann", f"arn:aws:iam::{ACCOUNT}:mfa/ann"
KEYS = {
    "AccessKeyId": "AKIAANNANNANNANNANNA",
    "SecretAccessKey": "kept/in/a/file/of/mode/600/and/no/other+",
    "SessionToken": None,
}
PHOTO = b"\xff\xd8\xff\xe0 a photo"
APP = base64.b32encode(b"twenty bytes of hers").decode()


@pytest.fixture(scope="module")
def broker(folder):
    """A broker with one user, whose account three roles trust, one of them only by a second factor."""
    broker = Broker(folder / "broker")
    account = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    broker.add_role(START, account)
    broker.add_role(NEXT, account)
    broker.add_role(VAULT, account | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}})
    broker.add_role(NEAR, account, options='permissions_boundary = "near.json"')
    address = {"IpAddress": {"aws:SourceIp": "127.0.0.2/32"}}
    broker.write_policy("near.json", {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": address})
    broker.add_user(ANN, KEYS, SERIAL, APP)
    broker.add_service("photo-store")
    broker.start()
    yield broker
    assert broker.stop() == 0, broker.output


def code():
    """What her app shows (RFC 6238)."""
    key = base64.b32decode(APP)
    mac = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
    word = struct.unpack(">I", mac[mac[19] & 15 :][:4])[0] & 0x7FFF_FFFF
    return f"{word % 1_000_000:06}"


def caller(broker, credentials):
    return sts(broker, credentials).get_caller_identity()["Arn"]


def test_a_user(broker):
    """An access key, as it comes from AWS."""
    me = sts(broker, KEYS).get_caller_identity()
    assert me["Arn"] == ANN and me["Account"] == ACCOUNT and me["UserId"].startswith("AIDA")
    assert sts(broker, KEYS).get_access_key_info(AccessKeyId=KEYS["AccessKeyId"])["Account"] == ACCOUNT


def test_a_chain(broker):
    """A user assumes a role, and that the next, which lasts an hour at most."""
    first = sts(broker, KEYS).assume_role(
        RoleArn=START, RoleSessionName="ann", Tags=[{"Key": "team", "Value": "red"}], TransitiveTagKeys=["team"]
    )
    by_first = sts(broker, first["Credentials"])
    second = by_first.assume_role(RoleArn=NEXT, RoleSessionName="ann")
    assert caller(broker, second["Credentials"]) == f"arn:aws:sts::{ACCOUNT}:assumed-role/Next/ann"
    left = second["Credentials"]["Expiration"] - datetime.datetime.now(datetime.UTC)
    assert 3590 < left.total_seconds() <= 3600
    said, message, status = refusal(
        by_first.assume_role, RoleArn=NEXT, RoleSessionName="ann", Tags=[{"Key": "Team", "Value": "blue"}]
    )
    assert (said, status) == ("InvalidParameterValue", 400) and "conflicts with a transitive tag key" in message


def test_refused(broker):
    """In AWS's words, and alike for a role that is not there."""
    client = sts(broker, KEYS)
    for role in VAULT, f"arn:aws:iam::{ACCOUNT}:role/Gone":
        assert refusal(client.assume_role, RoleArn=role, RoleSessionName="ann") == (
            "AccessDenied",
            f"User: {ANN} is not authorized to perform: sts:AssumeRole on resource: {role}",
            403,
        )


def test_session_and_federation_tokens(broker):
    """What a user gets for itself and makes for others; neither makes more of the kind."""
    session = sts(broker, KEYS).get_session_token(DurationSeconds=900)["Credentials"]
    assert caller(broker, session) == ANN
    answer = sts(broker, KEYS).get_federation_token(Name="cleo", DurationSeconds=900)
    assert answer["PackedPolicySize"] == 0
    assert caller(broker, answer["Credentials"]) == answer["FederatedUser"]["Arn"]
    for credentials in session, answer["Credentials"]:
        assert refusal(sts(broker, credentials).get_session_token) == (
            "AccessDenied", "Cannot call GetSessionToken with session credentials", 403,
        )  # fmt: skip


def test_a_second_factor(broker):
    """A code opens the role, once."""
    client, shown = sts(broker, KEYS), code()
    vault = {"RoleArn": VAULT, "RoleSessionName": "ann", "SerialNumber": SERIAL, "TokenCode": shown}
    assert client.assume_role(**vault)["Credentials"]
    assert refusal(client.assume_role, **vault)[1].startswith("MultiFactorAuthentication failed with invalid MFA")


@pytest.fixture(scope="module", params=["directly", "behind nginx"])
def photos(request, broker, folder):
    """The example of the docs: a service that knows nothing but to ask. Where it listens."""
    service_port, nginx_port = free_ports(2)
    secret = broker.folder / "photo-store-secret"
    service = [sys.executable, EXAMPLES / "photo_service.py", service_port, broker.url, "photo-store", secret]
    processes, port = [Process([*service, "X-Real-IP"] if request.param == "behind nginx" else service)], service_port
    if request.param == "behind nginx":
        processes.append(nginx(folder, "nginx.conf", to_8090=service_port, to_8091=nginx_port))
        port = nginx_port
    url = f"http://127.0.0.1:{port}"

    def listens():
        assert all(each.child.poll() is None for each in processes), [each.output for each in processes]
        try:
            return requests.get(f"{url}/x", timeout=PATIENCE).status_code == 403
        except requests.ConnectionError:
            return False

    try:
        eventually(listens, "the service")
        yield url
    finally:
        for each in processes:
            each.stop()


class From(requests.adapters.HTTPAdapter):
    """Requests from another address of this machine."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


def call(photos, method, credentials, body=b"", address="127.0.0.1"):
    """A request that botocore signs."""
    url = f"{photos}/a%20cat.jpg?size=2&name=x%2Fy"
    request = AWSRequest(method, url, headers={"Content-Type": "image/jpeg"}, data=body)
    keys = [credentials[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    SigV4Auth(Credentials(*keys), "photos", "eu-central-1").add_auth(request)
    session = requests.Session()
    session.mount("http://", From(address))
    return session.request(method, url, headers=dict(request.headers), data=body, timeout=PATIENCE)


def test_a_service(broker, photos):
    """It believes signatures, and lets whoever may."""
    first = sts(broker, KEYS).assume_role(RoleArn=START, RoleSessionName="ann")["Credentials"]
    for credentials, who in (KEYS, ANN), (first, f"arn:aws:sts::{ACCOUNT}:assumed-role/Start/ann"):
        kept = call(photos, "PUT", credentials, PHOTO)
        assert (kept.status_code, kept.text) == (200, f"/a%20cat.jpg is kept for {who}\n")
    assert call(photos, "GET", first).content == PHOTO
    wrong = call(photos, "GET", KEYS | {"SecretAccessKey": "x" * 40})
    assert wrong.status_code == 403 and wrong.text.startswith("SignatureDoesNotMatch: ")
    cleo = sts(broker, KEYS).get_federation_token(Name="cleo", DurationSeconds=900)["Credentials"]
    refused = call(photos, "DELETE", cleo)
    assert refused.status_code == 403 and "because no session policy allows the s3:DeleteObject action" in refused.text


def test_a_service_knows_where_its_callers_are(broker, photos):
    """As its proxy says, or the connection."""
    near = sts(broker, KEYS).assume_role(RoleArn=NEAR, RoleSessionName="ann")["Credentials"]
    assert call(photos, "PUT", near, PHOTO, address="127.0.0.2").status_code == 200
    refused = call(photos, "PUT", near, PHOTO)
    assert refused.status_code == 403 and "because no permissions boundary allows" in refused.text


def test_the_clis_profiles(broker, folder):
    """A profile whose role is assumed by a profile whose role is assumed by keys: nothing but AWS's own files."""
    (folder / "config").write_text(
        f"[profile start]\nrole_arn = {START}\nsource_profile = keys\nrole_session_name = night\n"
        f"[profile next]\nrole_arn = {NEXT}\nsource_profile = start\nrole_session_name = run\n"
    )
    (folder / "credentials").write_text(
        f"[keys]\naws_access_key_id = {KEYS['AccessKeyId']}\naws_secret_access_key = {KEYS['SecretAccessKey']}\n"
    )
    files = {"AWS_CONFIG_FILE": folder / "config", "AWS_SHARED_CREDENTIALS_FILE": folder / "credentials"}
    files = {name: str(path) for name, path in files.items()}
    for profile, expected in (
        ("keys", ANN),
        ("start", f"arn:aws:sts::{ACCOUNT}:assumed-role/Start/night"),
        ("next", f"arn:aws:sts::{ACCOUNT}:assumed-role/Next/run"),
    ):
        assert aws(broker, "sts", "get-caller-identity", "--profile", profile, **files)["Arn"] == expected


def test_a_client_refreshes(broker, folder, monkeypatch):
    """boto3's own provider assumes the role again when its credentials are about to end."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", broker.url)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials-of-one"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config-of-one"))
    (folder / "credentials-of-one").write_text(
        f"[keys]\naws_access_key_id = {KEYS['AccessKeyId']}\naws_secret_access_key = {KEYS['SecretAccessKey']}\n"
    )
    # It refreshes within ten minutes of the end: of fifteen, that is never long away.
    (folder / "config-of-one").write_text(
        f"[profile start]\nrole_arn = {START}\nsource_profile = keys\nrole_session_name = night\n"
        "duration_seconds = 900\nregion = eu-central-1\n"
    )
    credentials = boto3.session.Session(profile_name="start").get_credentials()
    first = credentials.get_frozen_credentials()
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=6)
    monkeypatch.setattr(credentials, "_time_fetcher", lambda: later)
    second = credentials.get_frozen_credentials()
    assert second.access_key != first.access_key
    assert caller(
        broker,
        {"AccessKeyId": second.access_key, "SecretAccessKey": second.secret_key, "SessionToken": second.token},
    ).endswith(":assumed-role/Start/night")
