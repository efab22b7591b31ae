"""Signatures are what botocore computes; credentials come from where the deployment says."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from extproc.clients import awskeys
from extproc.clients.aws import AwsSigner, region_of
from extproc.clients.awskeys import Source
from extproc.clients.tokens import Tokens
from extproc.domain.departure import Departure
from extproc.domain.deployment import Deployment, Upstream
from extproc.errors import ProviderError, Unavailable
from extproc.providers.bedrock.models import model_path

NOW = 1_700_000_000.0
STATIC = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
NOBODY = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}


def deployment(
    secrets: Mapping[str, str] = STATIC, model: str = "m", schema: str = "bedrock", key: str = ""
) -> Deployment:
    return Deployment(
        id="d",
        group="g",
        provider=schema,
        model=model,
        upstream=Upstream("https", HOST, 443),
        schema=schema,
        auth="aws",
        api_key=key or None,
        options={"aws_region_name": "us-east-1"},
        secrets=secrets,
    )


def departure(
    to: Deployment, path: str = "/model/m/converse", body: bytes = b"{}", **headers: str
) -> Departure:
    return Departure(to, "POST", path, {"content-type": "application/json", **headers}, body)


def verified(left: Departure, got: Mapping[str, str], secret: str, service: str) -> bool:
    """Whether botocore, given what arrives, comes to the same signature."""
    scheme, _, rest = got["authorization"].partition(" ")
    assert scheme == "AWS4-HMAC-SHA256"
    said = dict(part.split("=", 1) for part in rest.split(", "))
    access_key, date, region, named, end = said["Credential"].split("/")
    assert (date, named, end) == (got["x-amz-date"][:8], service, "aws4_request")
    arrived = {**left.headers, **got, "host": left.deployment.upstream.authority}
    shown = {name: arrived[name] for name in said["SignedHeaders"].split(";")}
    assert {"host", "x-amz-date"} <= shown.keys()
    request = AWSRequest("POST", f"https://{HOST}{left.path}", headers=shown, data=left.body)
    request.context["timestamp"] = got["x-amz-date"]
    auth = SigV4Auth(Credentials(access_key, secret), service, region)
    string = auth.string_to_sign(request, auth.canonical_request(request))
    return bool(auth.signature(string, request) == said["Signature"])


@pytest.mark.parametrize(
    "model",
    [
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc.1-2",
        "odd model/with:all % kinds~of+signs",
    ],
)
async def test_botocore_verifies_the_signature_of_any_model_id(model: str) -> None:
    to = deployment(model=model)
    left = departure(to, model_path(to, "converse"), b'{"messages":[]}')
    got = await AwsSigner(Tokens(lambda: NOW), {})(left)
    assert verified(left, got, "secret", "bedrock")
    assert got["x-amz-date"] == "20231114T221320Z"
    assert "/eu-west-1/bedrock/" in got["authorization"]
    assert not verified(
        Departure(to, "POST", left.path, left.headers, b"other"), got, "secret", "bedrock"
    )


async def test_the_escapes_of_a_path_are_signed_escaped_once_more() -> None:
    """A vector computed by hand: what AWS expects of `/model/a%3A0/converse`."""
    to = deployment(model="a:0")
    left = departure(to, model_path(to, "converse"))
    request = AWSRequest("POST", f"https://{HOST}{left.path}", headers={"host": HOST}, data=b"{}")
    canonical = SigV4Auth(Credentials("a", "b"), "bedrock", "eu-west-1").canonical_request(request)
    assert canonical.splitlines()[1] == "/model/a%253A0/converse"


async def test_a_query_is_signed() -> None:
    left = departure(deployment(), "/model/m/converse?b=2&a=1")
    assert verified(left, await AwsSigner(Tokens(lambda: NOW), {})(left), "secret", "bedrock")


async def test_a_session_token_is_sent_and_signed() -> None:
    left = departure(deployment({**STATIC, "aws_session_token": "tok"}))
    got = await AwsSigner(Tokens(lambda: NOW), {})(left)
    assert got["x-amz-security-token"] == "tok"
    assert "x-amz-security-token" in got["authorization"]
    assert verified(left, got, "secret", "bedrock")


async def test_only_headers_that_nobody_touches_are_signed() -> None:
    left = departure(deployment(), **{"content-length": "2", "x-amz-target": "t", "accept": "*"})
    got = await AwsSigner(Tokens(lambda: NOW), {})(left)
    assert "SignedHeaders=host;x-amz-date;x-amz-target," in got["authorization"]
    assert verified(left, got, "secret", "bedrock")


async def test_sagemaker_is_signed_as_sagemaker_and_takes_no_bearer() -> None:
    left = departure(deployment(schema="sagemaker_chat", key="k"), "/endpoints/e/invocations")
    assert verified(left, await AwsSigner(Tokens(lambda: NOW), {})(left), "secret", "sagemaker")


async def test_a_bearer_token_needs_no_signature() -> None:
    got = await AwsSigner(Tokens(lambda: NOW), {})(departure(deployment(key="bedrock-key")))
    assert got == {"authorization": "Bearer bedrock-key"}


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("bedrock-runtime.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("vpce-0-x.bedrock-runtime.eu-central-1.vpce.amazonaws.com", "eu-central-1"),
        ("runtime.sagemaker.ap-northeast-3.amazonaws.com.cn", "ap-northeast-3"),
        ("bedrock.proxy.test", "us-east-1"),
    ],
)
def test_the_region_is_the_host_s(host: str, region: str) -> None:
    row = deployment()
    assert region_of(Deployment(**{**_fields(row), "upstream": Upstream("https", host, 443)})) == (
        region
    )


def _fields(row: Deployment) -> dict[str, object]:
    return {name: getattr(row, name) for name in Deployment.__dataclass_fields__}


# --- where credentials come from


@dataclass
class Sts:
    """A real server that speaks as much STS as is asked of it."""

    url: str
    asked: list[dict[str, str]] = field(default_factory=list)
    signed_by: list[str] = field(default_factory=list)
    status: int = 200
    lives_seconds: float = 3600.0


ASSUMED = """<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{0}Result>
<Credentials><AccessKeyId>ASIA{1}</AccessKeyId><SecretAccessKey>assumed</SecretAccessKey>
<SessionToken>session</SessionToken><Expiration>2023-11-14T23:13:20Z</Expiration></Credentials>
</{0}Result></{0}Response>"""
OFFERED = """{"Code": "Success", "AccessKeyId": "AKIDMACHINE", "SecretAccessKey": "m",
"Token": "machine", "Expiration": "2124-01-01T00:00:00Z"}"""
DENIED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>AccessDenied</Code><Message>not allowed</Message></Error>
</ErrorResponse>"""


@pytest.fixture
def sts() -> Iterator[Sts]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            asked = {name: values[0] for name, values in parse_qs(body).items()}
            state.asked.append(asked)
            state.signed_by.append(self.headers.get("authorization", ""))
            good = state.status == 200
            answer = ASSUMED.format(asked["Action"], len(state.asked)) if good else DENIED
            self.send_response(state.status)
            self.send_header("content-type", "text/xml")
            self.end_headers()
            self.wfile.write(answer.encode())

        def do_PUT(self) -> None:
            self.reply("token")

        def do_GET(self) -> None:
            """A container's credentials, or an instance's, whose role's name comes first."""
            self.reply("role" if self.path.endswith("/security-credentials/") else OFFERED)

        def reply(self, text: str) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Sts(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def assume(sts: Sts, **more: str) -> dict[str, str]:
    role = "arn:aws:iam::123456789012:role/gateway"
    return {"aws_role_name": role, "aws_sts_endpoint": sts.url, **more}


async def test_a_role_is_assumed_with_the_fixed_keys(sts: Sts) -> None:
    secrets = {**STATIC, **assume(sts, aws_session_name="me", aws_external_id="x1")}
    left = departure(deployment(secrets))
    got = await AwsSigner(Tokens(lambda: NOW), {})(left)
    assert verified(left, got, "assumed", "bedrock")
    assert got["x-amz-security-token"] == "session"
    [asked] = sts.asked
    assert asked["Action"] == "AssumeRole"
    assert asked["RoleSessionName"] == "me"
    assert asked["ExternalId"] == "x1"
    assert "Credential=AKIDEXAMPLE/" in sts.signed_by[0]


async def test_a_role_is_assumed_with_the_environment_s_keys(sts: Sts) -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "e", **NOBODY}
    await AwsSigner(Tokens(lambda: NOW), environ)(departure(deployment(assume(sts))))
    assert "Credential=AKIDENV/" in sts.signed_by[0]


@pytest.mark.parametrize("form", ["plain", "path", "oidc/file", "oidc/env", "oidc/env_path"])
async def test_a_web_identity_needs_no_keys(sts: Sts, tmp_path: Path, form: str) -> None:
    file = tmp_path / "token"
    file.write_text("identity\n")
    environ = {"TOKEN": "identity", "TOKEN_PATH": str(file), **NOBODY}
    token = {
        "plain": "identity",
        "path": str(file),
        "oidc/file": f"oidc/file{file}",
        "oidc/env": "oidc/env/TOKEN",
        "oidc/env_path": "oidc/env_path/TOKEN_PATH",
    }[form]
    left = departure(deployment(assume(sts, aws_web_identity_token=token)))
    got = await AwsSigner(Tokens(lambda: NOW), environ)(left)
    assert verified(left, got, "assumed", "bedrock")
    assert sts.asked[0]["WebIdentityToken"] == "identity"
    assert sts.signed_by == [""]


async def test_a_pod_s_identity_is_found_in_the_environment(sts: Sts, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("identity")
    role = "arn:aws:iam::123456789012:role/pod"
    environ = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": role, **NOBODY}
    left = departure(deployment({"aws_sts_endpoint": sts.url}))
    assert verified(left, await AwsSigner(Tokens(lambda: NOW), environ)(left), "assumed", "bedrock")
    assert sts.asked[0]["RoleArn"] == role


async def test_a_profile_is_read_from_the_files_that_the_environment_names(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[team]\naws_access_key_id = AKIDTEAM\naws_secret_access_key = t\n")
    environ = {"AWS_SHARED_CREDENTIALS_FILE": str(file), **NOBODY}
    left = departure(deployment({"aws_profile_name": "team"}))
    got = await AwsSigner(Tokens(lambda: NOW), environ)(left)
    assert "Credential=AKIDTEAM/" in got["authorization"]
    assert verified(left, got, "t", "bedrock")


async def test_the_environment_s_keys_are_the_last_resort() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "e", **NOBODY}
    left = departure(deployment({}))
    assert verified(left, await AwsSigner(Tokens(lambda: NOW), environ)(left), "e", "bedrock")


@pytest.mark.parametrize("kind", ["container", "instance"])
async def test_the_machine_s_own_credentials_are_found(sts: Sts, kind: str) -> None:
    environ = {
        "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{sts.url}/keys"},
        "instance": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": sts.url},
    }[kind]
    left = departure(deployment({}))
    got = await AwsSigner(Tokens(lambda: NOW), {"HOME": "/nonexistent", **environ})(left)
    assert got["x-amz-security-token"] == "machine"
    assert verified(left, got, "m", "bedrock")


@pytest.mark.parametrize(
    ("secrets", "missing"),
    [
        ({}, "set aws_access_key_id"),
        ({"aws_access_key_id": "a"}, "needed together"),
        ({"aws_profile_name": "nobody"}, "'nobody'"),
        ({"aws_web_identity_token": "t"}, "aws_role_name"),
        ({"aws_role_name": "r", "aws_web_identity_token": "oidc/env/NONE"}, "NONE is not set"),
        ({"aws_role_name": "r", "aws_web_identity_token": "oidc/moon/x"}, "oidc/moon"),
        ({"aws_role_name": "r", "aws_web_identity_token": "/nonexistent"}, "/nonexistent"),
        ({"aws_role_name": "r"}, "set aws_access_key_id"),
    ],
)
async def test_what_is_missing_is_named(secrets: Mapping[str, str], missing: str) -> None:
    with pytest.raises(ProviderError, match=missing) as caught:
        await AwsSigner(Tokens(lambda: NOW), NOBODY)(departure(deployment(secrets)))
    assert caught.value.status == 401


async def test_a_refusal_of_sts_is_the_provider_s(sts: Sts) -> None:
    sts.status = 403
    with pytest.raises(ProviderError, match="not allowed") as caught:
        await AwsSigner(Tokens(lambda: NOW), {})(departure(deployment({**STATIC, **assume(sts)})))
    assert caught.value.status == 401


async def test_an_sts_that_fails_is_unavailable(sts: Sts) -> None:
    sts.status = 503
    with pytest.raises(Unavailable):
        await AwsSigner(Tokens(lambda: NOW), {})(departure(deployment({**STATIC, **assume(sts)})))


async def test_an_sts_that_is_not_there_is_unavailable(sts: Sts) -> None:
    gone = {**STATIC, **assume(sts), "aws_sts_endpoint": "http://127.0.0.1:9"}
    with pytest.raises(Unavailable):
        await AwsSigner(Tokens(lambda: NOW), {})(departure(deployment(gone)))


# --- how long they are kept


def test_an_assumed_role_ends_when_sts_says(sts: Sts) -> None:
    got = awskeys.fetch(Source({**STATIC, **assume(sts)}, "us-east-1", {}), NOW)
    assert got.expires_at == NOW + 3600


async def test_each_role_has_its_own_credentials_fetched_once(sts: Sts) -> None:
    signer = AwsSigner(Tokens(lambda: NOW), {})
    for _ in range(2):
        for arn in ("arn:aws:iam::1:role/one", "arn:aws:iam::1:role/two"):
            named = {**STATIC, **assume(sts), "aws_role_name": arn}
            await signer(departure(deployment(named)))
    asked_for = [form["RoleArn"] for form in sts.asked]
    assert asked_for == ["arn:aws:iam::1:role/one", "arn:aws:iam::1:role/two"]
