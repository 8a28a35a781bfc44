"""The unmodified AWS CLI: identity in, credentials out, credentials used, and each refusal by name."""

import pytest

from broker import BUILDER, CLOSED, DEPLOY, READ_ONLY, SHORT
from clients import Refused, as_environment, aws


def by_saml(broker, response, *more, role=DEPLOY):
    return aws(
        broker, "sts", "assume-role-with-saml", "--role-arn", role, "--principal-arn", broker.saml_arn("corp"),
        "--saml-assertion", response, *more,
    )  # fmt: skip


def by_token(broker, token, *more, role=BUILDER, name="job-7"):
    return aws(
        broker, "sts", "assume-role-with-web-identity", "--role-arn", role, "--role-session-name", name,
        "--web-identity-token", token, *more,
    )  # fmt: skip


def whoami(broker, credentials, *more, **environment):
    return aws(broker, "sts", "get-caller-identity", *more, **as_environment(credentials) | environment)


def refused(call, *arguments, **parameters):
    with pytest.raises(Refused) as caught:
        call(*arguments, **parameters)
    return caught.value.code, caught.value.message


def test_saml(broker, corp):
    """assume-role-with-saml, and who one is with what it gives."""
    answer = by_saml(broker, corp.response(), "--no-sign-request")
    assert answer["Subject"] == "ann" and answer["Issuer"] == corp.entity_id
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    me = whoami(broker, answer["Credentials"])
    assert me == {
        "UserId": answer["AssumedRoleUser"]["AssumedRoleId"],
        "Account": "111122223333",
        "Arn": "arn:aws:sts::111122223333:assumed-role/Deploy/ann@example.com",
    }
    assert me["Arn"] == answer["AssumedRoleUser"]["Arn"]


def test_web_identity(broker, issuer, token):
    """assume-role-with-web-identity, and who one is with what it gives."""
    answer = by_token(broker, token, "--no-sign-request")
    assert answer["SubjectFromWebIdentityToken"] == "repo:example/app"
    assert answer["Audience"] == "builder"
    host = issuer.url.removeprefix("http://")
    assert answer["Provider"] == f"arn:aws:iam::111122223333:oidc-provider/{host}"
    assert whoami(broker, answer["Credentials"])["Arn"] == (
        "arn:aws:sts::111122223333:assumed-role/Builder/job-7"
    )


def test_without_no_sign_request(broker, corp, token):
    """The CLI knows by itself that these two calls are not signed."""
    assert by_saml(broker, corp.response())["Subject"] == "ann"
    assert by_token(broker, token)["Audience"] == "builder"


def test_endpoint_url_option(broker, token):
    """`--endpoint-url` instead of the environment."""
    credentials = by_token(broker, token)["Credentials"]
    elsewhere = {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"}
    me = whoami(broker, credentials, "--endpoint-url", broker.url, **elsewhere)
    assert me["Account"] == "111122223333"


def profiles(broker, folder, issuer, token, profile):
    """A config file as the documentation of the CLI has it."""
    (folder / "token").write_text(token)
    config = folder / "config"
    config.write_text(f"""
[profile ci]
region = eu-central-1
services = rolegate
role_arn = {BUILDER}
web_identity_token_file = {folder / "token"}
role_session_name = from-profile

[services rolegate]
sts =
  endpoint_url = {broker.url}
""")
    environment = {"AWS_CONFIG_FILE": config, "AWS_PROFILE": profile, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}
    return environment


def test_profile(broker, issuer, token, tmp_path):
    """`web_identity_token_file` and `role_arn` in a profile, the endpoint in its `services` section."""
    environment = profiles(broker, tmp_path, issuer, token, "ci")
    # Without the variable the section alone leads to the broker.
    me = aws(broker, "sts", "get-caller-identity", **environment | {"AWS_ENDPOINT_URL_STS": ""})
    assert me["Arn"] == "arn:aws:sts::111122223333:assumed-role/Builder/from-profile"
    stale = issuer.token(next(iter(issuer.signing)), iat=1, nbf=1, exp=2)
    environment = profiles(broker, tmp_path, issuer, stale, "ci")
    code, _ = refused(aws, broker, "sts", "get-caller-identity", **environment | {"AWS_ENDPOINT_URL_STS": ""})
    assert code == "ExpiredTokenException"


SAML_REFUSALS = {
    "tampered": ({}, b">ann</", "InvalidIdentityToken"),
    "expired": (dict(issued=-900, not_before=-900, ends=-300), None, "ExpiredTokenException"),
    "another audience": (dict(audience="https://other.example"), None, "InvalidIdentityToken"),
    "another issuer": (dict(issuer="https://other.example"), None, "InvalidIdentityToken"),
    "not entitled": (dict(attributes={"groups": ["sales"]}), None, "AccessDenied"),
}


@pytest.mark.parametrize("reason", SAML_REFUSALS)
def test_saml_refused(broker, corp, reason):
    changes, altered, code = SAML_REFUSALS[reason]
    tamper = (lambda xml: xml.replace(altered, b">eve</")) if altered else None
    assert refused(by_saml, broker, corp.response(tamper=tamper, **changes))[0] == code


def test_saml_replay_refused(broker, corp):
    response = corp.response()
    by_saml(broker, response)
    assert refused(by_saml, broker, response) == ("InvalidIdentityToken", "Response has already been used")
    # A refusal for a reason that can be mended does not use it up, and another role is another use.
    assert by_saml(broker, response, role=READ_ONLY)["Subject"] == "ann"


def test_saml_role_refused(broker, corp):
    """Not trusted and not there look the same."""
    denied = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML")
    assert refused(by_saml, broker, corp.response(), role=CLOSED) == denied
    assert refused(by_saml, broker, corp.response(), role=DEPLOY + "x") == denied


def test_web_identity_refused(broker, issuer, token):
    """Each with AWS's code."""
    key = next(iter(issuer.signing))
    alien = issuer.add_key("RS256", publish=False)
    forged = issuer.token(alien, header={"kid": key})
    for wrong, code in [
        (issuer.token(key, iat=1, nbf=1, exp=2), "ExpiredTokenException"),
        (issuer.token(key, aud="somebody-else"), "InvalidIdentityToken"),
        (issuer.token(key, iss="https://other.example"), "InvalidIdentityToken"),
        (issuer.token(key, ref="refs/heads/feature"), "AccessDenied"),
        (issuer.token(key, sub="user:eve"), "AccessDenied"),
        (forged, "InvalidIdentityToken"),
        ("not-a-token", "InvalidIdentityToken"),
    ]:
        assert refused(by_token, broker, wrong)[0] == code, wrong
    assert by_token(broker, token)["Audience"] == "builder"


def test_parameters_refused(broker, token):
    """ValidationError, where the CLI itself lets it pass."""
    code, message = refused(by_token, broker, token, "--duration-seconds", "7200")
    assert code == "ValidationError"
    assert message == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    code, message = refused(by_token, broker, token, "--duration-seconds", "43201")
    assert (code, "Member must have value less than or equal to 43200" in message) == ("ValidationError", True)
    code, message = refused(by_token, broker, token, name="a b")
    assert code == "ValidationError"
    assert r"Member must satisfy regular expression pattern: [\w+=,.@-]*" in message
    code, _ = refused(by_token, broker, token, "--policy", "{}")
    assert code == "MalformedPolicyDocument"
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}'
    answer = by_token(broker, token, "--policy", policy, "--duration-seconds", "900", role=SHORT)
    assert answer["PackedPolicySize"] == 4


def test_credentials_refused(broker, token):
    """Somebody else's secret, somebody else's token, no token."""
    mine, yours = (by_token(broker, token)["Credentials"] for _ in range(2))
    assert whoami(broker, mine)["Account"] == "111122223333"
    for part, code in [("SecretAccessKey", "SignatureDoesNotMatch"), ("SessionToken", "InvalidClientTokenId")]:
        assert refused(whoami, broker, mine | {part: yours[part]})[0] == code
    assert refused(whoami, broker, mine | {"SessionToken": ""})[0] == "InvalidClientTokenId"
    assert refused(aws, broker, "sts", "get-caller-identity", "--no-sign-request")[0] == (
        "MissingAuthenticationToken"
    )


def test_not_supported(broker, token):
    """What is not built says so."""
    credentials = as_environment(by_token(broker, token)["Credentials"])
    code, message = refused(
        aws, broker, "sts", "get-web-identity-token", "--audience", "x", "--signing-algorithm", "RS256", **credentials
    )
    assert code == "InvalidAction" and "GetWebIdentityToken is not supported by this broker" in message
