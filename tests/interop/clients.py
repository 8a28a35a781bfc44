"""Unmodified clients, pointed at the broker."""

import json
import re
import subprocess
import sys
from pathlib import Path

import boto3
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from broker import PATIENCE, plain_environment

# What the STS API says to a token that is not believed, to one that is none, to one that may not, and to one whose
# issuer can't be asked for its keys.
INVALID = (
    "InvalidIdentityToken",
    "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation "
    "for requirements.",
    400,
)
NOT_A_JWT = (
    "InvalidIdentityToken",
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
    400,
)
UNREACHABLE = (
    "IDPCommunicationError",
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity "
    "documentation for requirements",
    400,
)
DENIED = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)

AWS = Path(sys.executable).with_name("aws")


class Refused(Exception):
    """What the AWS CLI prints when the service says no."""

    def __init__(self, code, message):
        super().__init__(code, message)
        self.code, self.message = code, message


def aws(broker, *arguments, **environment):
    """`aws ARGUMENTS`, its JSON read. The endpoint comes from the environment, as a user would set it."""
    ended = subprocess.run(
        [str(AWS), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=plain_environment(
            **{
                "HOME": broker.folder,
                "AWS_CONFIG_FILE": "/nonexistent",
                "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
                "AWS_ENDPOINT_URL_STS": broker.url,
                "AWS_DEFAULT_REGION": "eu-central-1",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_MAX_ATTEMPTS": "1",
                "AWS_PAGER": "",
                "AWS_DEFAULT_OUTPUT": "json",
            }
            | environment
        ),
    )
    if ended.returncode == 0:
        return json.loads(ended.stdout)
    refused = re.search(r"An error occurred \((\w+)\) when calling the \w+ operation: (.*)", ended.stderr)
    assert refused, ended.stderr
    assert ended.returncode in (254, 255), ended.returncode
    raise Refused(*refused.groups())


def as_environment(credentials):
    """Credentials as the CLI takes them."""
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def sts(broker, credentials=None, **options):
    """boto3's STS client: signed by the credentials, or not at all."""
    config = {"retries": {"total_max_attempts": 1}, "parameter_validation": False}
    keys = {}
    if credentials:
        keys = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
    else:
        config["signature_version"] = UNSIGNED
    session = boto3.session.Session(region_name=options.pop("region", "eu-central-1"))
    return session.client("sts", endpoint_url=broker.url, config=Config(**config | options), **keys)


def refusal(call, *arguments, **parameters):
    """Code, message and HTTP status of a call that must be refused."""
    try:
        answer = call(*arguments, **parameters)
    except ClientError as error:
        said = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return said["Code"], said.get("Message", ""), status
    raise AssertionError(f"accepted: {answer}")


def with_saml(broker, idp, role, response, **more):
    """AssumeRoleWithSAML by boto3."""
    return sts(broker).assume_role_with_saml(
        RoleArn=role, PrincipalArn=broker.saml_arn(idp.name), SAMLAssertion=response, **more
    )


def with_token(broker, role, token, **more):
    """AssumeRoleWithWebIdentity by boto3."""
    parameters = {"RoleSessionName": "job-7"} | more
    return sts(broker).assume_role_with_web_identity(RoleArn=role, WebIdentityToken=token, **parameters)


class Browser:
    """As much of a browser as a form needs: cookies, and no redirect that is not looked at."""

    def __init__(self, broker):
        self.broker = broker
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path):
        return self.session.get(self.broker.url + path, allow_redirects=False, timeout=PATIENCE)

    def post(self, path, **form):
        return self.session.post(self.broker.url + path, data=form, allow_redirects=False, timeout=PATIENCE)
