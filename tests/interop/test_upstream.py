"""Roles whose credentials come from somebody else's STS: moto as AWS, and MinIO."""

import json
import re

import pytest

from broker import ACCOUNT, Broker, eventually, statement
from clients import refusal, sts, with_token
from upstreams import Minio, Moto

REAL, CLOSED, LIED, STORE, PASSED, START = (
    f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("Real", "Closed", "Lied", "Store", "Passed", "Start")
)
REFUSED = (
    "Not authorized to perform sts:AssumeRoleWithWebIdentity: the STS that this role's credentials come from refuses. "
    "The broker's log says why."
)
READING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/*"}],
    }
)
RULE = """
source_identity = 'subject.split(":")[1].replace("/", "-")'
tags = { ref = 'claim.ref' }
"""


@pytest.fixture(scope="module")
def moto():
    moto = Moto()
    yield moto
    moto.stop()


@pytest.fixture(scope="module")
def minio(tmp_path_factory, issuer):
    minio = Minio(tmp_path_factory.mktemp("minio"), issuer)
    objects = minio.client("s3", minio.ROOT)
    objects.create_bucket(Bucket="photos")
    objects.put_object(Bucket="photos", Key="cat", Body=b"a cat")
    yield minio
    minio.stop()


def broker_of(folder, issuer, moto, minio=None):
    """A broker that trusts the issuer's tokens, and has keys to both."""
    broker = Broker(folder)
    trust = statement(broker.trust_oidc(issuer.url), ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"])
    trust["Action"].append("sts:SetSourceIdentity")
    account = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:*"}
    there = f'role = "{Moto.ROLE}", external_id = "{Moto.EXTERNAL_ID}"'
    broker.add_upstream("aws", moto.url, moto.keys)
    broker.add_upstream("liar", moto.url, moto.keys | {"SecretAccessKey": "not the secret of this key"})
    broker.add_role(START, trust)
    broker.add_role(REAL, trust, account, options=f'issuer = "aws"\nupstream = {{ {there} }}')
    closed = there.replace("Real", "Closed")
    broker.add_role(CLOSED, trust, options=f'issuer = "aws"\nupstream = {{ {closed} }}')
    broker.add_role(LIED, trust, options=f'issuer = "liar"\nupstream = {{ {there} }}')
    roles = [START, REAL, CLOSED, LIED]
    if minio:
        broker.add_upstream("minio", minio.url, minio.ROOT, 'kind = "minio"')
        broker.add_role(STORE, trust, options='issuer = "minio"')
        passed = f'upstream = {{ role = "{Minio.ROLE}", pass_through = true }}'
        broker.add_role(PASSED, trust, options=f'issuer = "minio"\n{passed}')
        broker.allow_rule("passed", [PASSED])
        roles.append(STORE)
    broker.allow_rule("upstream", roles, RULE)
    return broker.start()


@pytest.fixture(scope="module")
def broker(folder, issuer, moto, minio):
    broker = broker_of(folder / "broker", issuer, moto, minio)
    yield broker
    assert broker.stop() == 0, broker.output


def caller(upstream, credentials):
    return upstream.client("sts", credentials).get_caller_identity()["Arn"]


def test_aws(broker, moto, token):
    """Our decision, their credentials: under our session name, and good where they are from."""
    answer = with_token(broker, REAL, token, DurationSeconds=1800)
    arn = "arn:aws:sts::123456789012:assumed-role/Real/job-7"
    assert answer["AssumedRoleUser"]["Arn"] == arn == caller(moto, answer["Credentials"])
    assert answer["SourceIdentity"] == "example-app"
    again = with_token(broker, REAL, token, DurationSeconds=1800)
    assert again["Credentials"] == answer["Credentials"]
    other = with_token(broker, REAL, token, DurationSeconds=900)
    assert other["Credentials"]["AccessKeyId"] != answer["Credentials"]["AccessKeyId"]
    assert refusal(sts(broker, answer["Credentials"]).get_caller_identity)[0] == "InvalidClientTokenId"
    event = rf'event="issued" .*access_key_id="{other["Credentials"]["AccessKeyId"]}" .*upstream="aws"'
    eventually(lambda: re.search(event, broker.output), event)
    assert answer["Credentials"]["SecretAccessKey"] not in broker.output


def test_a_chain_into_aws(broker, moto, token):
    """From a session of ours, by its signature."""
    start = with_token(broker, START, token)["Credentials"]
    answer = sts(broker, start).assume_role(
        RoleArn=REAL, RoleSessionName="next", Tags=[{"Key": "team", "Value": "red"}], TransitiveTagKeys=["team"]
    )
    assert caller(moto, answer["Credentials"]) == "arn:aws:sts::123456789012:assumed-role/Real/next"


@pytest.mark.parametrize(
    "role, said", [(CLOSED, f"AccessDenied: User: {Moto.BROKER} is not authorized"), (LIED, "SignatureDoesNotMatch")]
)
def test_aws_refuses(broker, token, role, said):
    """What is between the broker and it, the log says."""
    assert refusal(with_token, broker, role, token) == ("AccessDenied", REFUSED, 403)
    eventually(lambda: 'check="upstream.refused"' in broker.output and said in broker.output, said)
    assert "not the secret of this key" not in broker.output


def test_aws_goes_away(folder, issuer, token):
    """What it gave before is still given; the rest waits, and the broker says so."""
    moto = Moto()
    broker = broker_of(folder / "away", issuer, moto)
    try:
        before = with_token(broker, REAL, token)["Credentials"]
        moto.stop()
        assert with_token(broker, REAL, token)["Credentials"] == before
        code, _, status = refusal(with_token, broker, REAL, token, DurationSeconds=900)
        assert (code, status) == ("ServiceUnavailable", 503)
        assert broker.dependency("upstream aws")["state"] == "degraded"
        assert broker.metric("rolegate_upstream_calls_total", upstream="aws", outcome="failed") == 1
        moto.start()
        assert refusal(with_token, broker, REAL, token, DurationSeconds=900)[0] == "AccessDenied", "it has other keys now"
        assert broker.dependency("upstream aws")["state"] == "ok"
    finally:
        moto.stop()
        assert broker.stop() == 0, broker.output


def test_minio(broker, minio, token):
    """A session policy limits what its credentials may do with objects."""
    whole = with_token(broker, STORE, token)["Credentials"]
    objects = minio.client("s3", whole)
    objects.put_object(Bucket="photos", Key="dog", Body=b"a dog")
    limited = minio.client("s3", with_token(broker, STORE, token, Policy=READING)["Credentials"])
    assert limited.get_object(Bucket="photos", Key="dog")["Body"].read() == b"a dog"
    assert refusal(limited.put_object, Bucket="photos", Key="dog", Body=b"") == ("AccessDenied", "Access Denied.", 403)


def test_minio_takes_our_tokens_word(broker, minio, token):
    """The token goes on to MinIO, whose own policy for the issuer's people decides what it is good for."""
    answer = with_token(broker, PASSED, token)
    objects = minio.client("s3", answer["Credentials"])
    assert objects.get_object(Bucket="photos", Key="cat")["Body"].read() == b"a cat"
    assert refusal(objects.put_object, Bucket="photos", Key="cat", Body=b"")[0] == "AccessDenied"
