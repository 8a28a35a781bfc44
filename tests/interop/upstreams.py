"""STS of others: moto, which has AWS's IAM and checks signatures and policies; and MinIO."""

import base64
import hashlib
import json
import os
import sys
from pathlib import Path

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from broker import PATIENCE, Process, eventually, free_ports, plain_environment

WORK = Path(os.environ["INTEROP_WORK"])


class Upstream:
    """A process on loopback that speaks AWS's protocols at `url`."""

    process, url, region = None, "", "us-east-1"

    def client(self, service, keys):
        """boto3's client of a service, signed by these keys."""
        return boto3.session.Session(region_name=self.region).client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def wait_for(self, path):
        def answers():
            assert self.process.child.poll() is None, self.process.output
            try:
                return requests.get(self.url + path, timeout=PATIENCE).ok
            except requests.ConnectionError:
                return False

        eventually(answers, self.url + path)

    def stop(self):
        if self.process:
            self.process.child.kill()
            self.process.wait()


class Moto(Upstream):
    """An AWS account with a user for the broker and a role that it may assume."""

    ROOT = {"AccessKeyId": "AKIAROOTROOTROOTROOT", "SecretAccessKey": "root"}
    ROLE = "arn:aws:iam::123456789012:role/Real"
    BROKER = "arn:aws:iam::123456789012:user/broker"
    EXTERNAL_ID = "contract-9"

    def __init__(self):
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.start()

    def start(self):
        server = Path(sys.executable).with_name("moto_server")
        self.process = Process([server, "-p", self.url.rsplit(":", 1)[1]])
        self.wait_for("/moto-api/data.json")
        iam = self.client("iam", self.ROOT)
        iam.create_user(UserName="broker")
        allow = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        iam.put_user_policy(UserName="broker", PolicyName="assume", PolicyDocument=document)
        self.keys = iam.create_access_key(UserName="broker")["AccessKey"]
        ours = {"StringEquals": {"sts:ExternalId": self.EXTERNAL_ID}}
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": self.BROKER}, "Condition": ours}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        for name, theirs in ("Real", self.EXTERNAL_ID), ("Closed", "contract-8"):
            document = trust.replace(self.EXTERNAL_ID, theirs)
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        me = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
        me = json.dumps({"Version": "2012-10-17", "Statement": [me]})
        iam.put_role_policy(RoleName="Real", PolicyName="me", PolicyDocument=me)
        # From now on, signatures and policies are checked.
        requests.post(f"{self.url}/moto-api/reset-auth", data="0", timeout=PATIENCE).raise_for_status()


class Minio(Upstream):
    """A store of objects, whose keys are the root's or come from its STS."""

    ROOT = {"AccessKeyId": "minioadministrator", "SecretAccessKey": "a secret of sixty-four characters at most"}

    # What its own policy for the issuer's people is known by.
    HASH = base64.urlsafe_b64encode(hashlib.sha1(b"builder").digest()).decode().rstrip("=")
    ROLE = f"arn:minio:iam:::role/{HASH}"

    def __init__(self, folder, issuer):
        port, console = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        environment = plain_environment(
            MINIO_ROOT_USER=self.ROOT["AccessKeyId"],
            MINIO_ROOT_PASSWORD=self.ROOT["SecretAccessKey"],
            MINIO_BROWSER="off",
            MINIO_IDENTITY_OPENID_CONFIG_URL=f"{issuer.url}/.well-known/openid-configuration",
            MINIO_IDENTITY_OPENID_CLIENT_ID="builder",
            MINIO_IDENTITY_OPENID_ROLE_POLICY="readonly",
            HOME=folder,
        )
        self.process = Process(
            [WORK / "minio" / "minio", "server", "--address", f"127.0.0.1:{port}", "--console-address",
             f"127.0.0.1:{console}", folder / "objects"],
            env=environment,
        )  # fmt: skip
        self.wait_for("/minio/health/ready")
        # Its STS comes up a little later than that says.
        eventually(self.knows_its_keys, "MinIO's STS")

    def knows_its_keys(self):
        try:
            return self.client("sts", self.ROOT).assume_role(RoleArn=self.ROLE, RoleSessionName="ready")
        except ClientError:
            return None
