"""boto3 and botocore, unmodified: calls, presigned requests, wrong clocks, and an SDK that refreshes
by AWS_WEB_IDENTITY_TOKEN_FILE."""

import datetime
import logging
import xml.etree.ElementTree as xml

import botocore.auth
import botocore.session
import pytest
import requests
from botocore.exceptions import ClientError

from broker import BUILDER, DEPLOY, PATIENCE, SHORT, eventually
from clients import refusal, sts, with_saml, with_token

NAMESPACE = {"sts": "https://sts.amazonaws.com/doc/2011-06-15/"}


@pytest.fixture
def credentials(broker, token):
    return with_token(broker, BUILDER, token)["Credentials"]


def test_saml(broker, corp):
    """All that AWS's answer holds."""
    answer = with_saml(broker, corp, DEPLOY, corp.response(), DurationSeconds=900)
    lasts = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.UTC)
    assert 880 < lasts.total_seconds() <= 900
    assert answer["Audience"] == broker.acs("corp")
    assert len(answer["NameQualifier"]) == 28 and answer["NameQualifier"].endswith("=")
    metadata = answer["ResponseMetadata"]
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == metadata["RequestId"]
    assert metadata["HTTPHeaders"]["content-type"] == "text/xml"


def test_web_identity(broker, token):
    answer = with_token(broker, BUILDER, token)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::111122223333:assumed-role/Builder/job-7"
    me = sts(broker, answer["Credentials"]).get_caller_identity()
    assert me["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_any_region(broker, credentials, region):
    """The broker is one, and the client's region is only a part of the signature."""
    assert sts(broker, credentials, region=region).get_caller_identity()["Account"] == "111122223333"


def presigned(broker, credentials, seconds=60):
    return sts(broker, credentials).generate_presigned_url("get_caller_identity", ExpiresIn=seconds, HttpMethod="GET")


def fetched(url):
    """Status and error code, or ARN, of a plain GET."""
    answer = requests.get(url, timeout=PATIENCE)
    tree = xml.fromstring(answer.content)
    said = tree.find(".//sts:Code", NAMESPACE)
    if said is None:
        said = tree.find(".//sts:Arn", NAMESPACE)
    return answer.status_code, said.text


def test_presigned(broker, credentials):
    """The URL alone proves who made it, as EKS and Vault use it; a changed one proves nothing."""
    url = presigned(broker, credentials)
    assert fetched(url) == (200, "arn:aws:sts::111122223333:assumed-role/Builder/job-7")
    assert fetched(url.replace("X-Amz-Expires=60", "X-Amz-Expires=900")) == (403, "SignatureDoesNotMatch")


def test_presigned_too_old(broker, credentials, monkeypatch):
    """It is over after `X-Amz-Expires`."""
    clock(monkeypatch, minutes=-4)
    assert fetched(presigned(broker, credentials, 900))[0] == 200
    assert fetched(presigned(broker, credentials, 60)) == (403, "SignatureDoesNotMatch")


def clock(monkeypatch, **shift):
    """A client whose clock is wrong. (It signs with it.)"""
    real = botocore.auth.get_current_datetime
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda *a, **b: real(*a, **b) + datetime.timedelta(**shift)
    )


@pytest.mark.parametrize("minutes", [-4, 4])
def test_clock_a_little_wrong(broker, credentials, monkeypatch, minutes):
    clock(monkeypatch, minutes=minutes)
    assert sts(broker, credentials).get_caller_identity()["Account"] == "111122223333"


@pytest.mark.parametrize("minutes, says", [(-6, "Signature expired: "), (6, "Signature not yet current: ")])
def test_clock_wrong(broker, credentials, monkeypatch, minutes, says):
    clock(monkeypatch, minutes=minutes)
    code, message, status = refusal(sts(broker, credentials).get_caller_identity)
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    assert message.startswith(says) and message.endswith("5 min.)")


def test_other_key(broker, credentials):
    """A wrong secret, a token of another key, a key that is none."""
    other = sts(broker, credentials | {"SecretAccessKey": "x" * 40})
    assert refusal(other.get_caller_identity) == (
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
        "Access Key and signing method. Consult the service documentation for details.",
        403,
    )
    invalid = ("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    for wrong in {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}, {"SessionToken": "bm90IG91cnM="}, {"SessionToken": None}:
        assert refusal(sts(broker, credentials | wrong).get_caller_identity) == invalid
    unsigned = ("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    assert refusal(sts(broker).get_caller_identity) == unsigned


def test_expired_credentials(broker, corp):
    """The provider's SessionNotOnOrAfter ends the session: good now, ExpiredToken seconds later."""
    answer = with_saml(broker, corp, DEPLOY, corp.response(session_ends=4))
    client = sts(broker, answer["Credentials"])
    assert client.get_caller_identity()["Account"] == "111122223333"

    def over():
        try:
            client.get_caller_identity()
        except ClientError as error:
            return error.response

    response = eventually(over, "the end of the session")
    assert response["Error"]["Code"] == "ExpiredToken"
    assert response["Error"]["Message"] == "The security token included in the request is expired"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.fixture
def sdk(broker, issuer, tmp_path, monkeypatch):
    """A session as in a pod: all it knows is a token file, a role and an endpoint."""
    path = tmp_path / "token"
    for name, value in {
        "AWS_WEB_IDENTITY_TOKEN_FILE": path,
        "AWS_ROLE_ARN": SHORT,
        "AWS_ROLE_SESSION_NAME": "pod",
        "AWS_ENDPOINT_URL_STS": broker.url,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }.items():
        monkeypatch.setenv(name, str(value))
    key = next(iter(issuer.signing))

    class Sdk:
        session = botocore.session.Session()

        def rewrite(self, **claims):
            path.write_text(issuer.token(key, **claims))

        @property
        def credentials(self):
            return self.session.get_credentials()

        def key(self):
            return self.credentials.get_frozen_credentials().access_key

        def whoami(self):
            return self.session.create_client("sts").get_caller_identity()["Arn"]

    return Sdk()


def test_refresh(sdk):
    """A session of 15 minutes is always due for renewal: each use reads the file and asks anew."""
    sdk.rewrite()
    first = sdk.key()
    assert sdk.whoami() == "arn:aws:sts::111122223333:assumed-role/Short/pod"
    sdk.rewrite()
    second = sdk.key()
    assert first != second
    assert sdk.whoami() == "arn:aws:sts::111122223333:assumed-role/Short/pod"


def test_refresh_with_an_expired_token(sdk, caplog, monkeypatch):
    """While the old credentials last they are kept; once they must be renewed, the refusal surfaces."""
    sdk.rewrite()
    sdk.key()
    credentials = sdk.credentials
    sdk.rewrite(iat=1, nbf=1, exp=2)
    kept = sdk.key()
    with caplog.at_level(logging.WARNING, "botocore.credentials"):
        assert sdk.key() == kept
    assert "Refreshing temporary credentials failed during advisory refresh period." in caplog.text
    assert "ExpiredTokenException" in caplog.text
    assert sdk.whoami() == "arn:aws:sts::111122223333:assumed-role/Short/pod"
    # Ten minutes before the end the SDK insists.
    later = lambda: datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=6)
    monkeypatch.setattr(credentials, "_time_fetcher", later)
    with pytest.raises(ClientError) as caught:
        sdk.key()
    assert caught.value.response["Error"]["Code"] == "ExpiredTokenException"
    # A fresh token heals it.
    sdk.rewrite()
    assert sdk.key() != kept
