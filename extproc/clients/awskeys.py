"""Where AWS credentials come from: a role, a profile, fixed keys, or what the machine offers.

Blocking, and all of it may go over the network: for threads only. The order is LiteLLM's:

    aws_web_identity_token + aws_role_name     STS AssumeRoleWithWebIdentity
    aws_role_name                              STS AssumeRole, with the credentials of the rest
    aws_profile_name                           ~/.aws: keys, role, SSO, credential process
    aws_access_key_id + aws_secret_access_key  as they are
    none of them                               environment, ~/.aws, container, instance
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import (
    ContainerProvider,
    EnvProvider,
    InstanceMetadataProvider,
    create_credential_resolver,
)
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    MetadataRetrievalError,
)
from botocore.session import Session
from botocore.utils import InstanceMetadataFetcher

from extproc.clients.tokens import Token
from extproc.domain.value import value
from extproc.errors import GatewayError, ProviderError, Unavailable

CALL_SECONDS = 5.0
INSTANCE_SECONDS = 1.0
USUAL_SECONDS = 600.0
"""How long credentials of unknown end are used: whoever made them keeps them longer."""
SESSION_NAME = "llm-extproc"

_OLDER = frozenset({"ec2-credentials-file", "boto-config"})
_BEFORE_KEYS = ("aws_role_name", "aws_web_identity_token", "aws_profile_name")
_OF_MACHINE = frozenset({"env", "container-role", "iam-role"})


@value
class Keys:
    """The credentials that sign."""

    access_key: str
    secret_key: str
    token: str | None = None


@value
class Source:
    """All that tells which credentials are meant."""

    secrets: Mapping[str, str]
    """The deployment's `aws_*`."""
    region: str
    environ: Mapping[str, str]


def fixed(secrets: Mapping[str, str]) -> Keys | None:
    """The deployment's own keys, where nothing that goes before them is asked for."""
    return None if any(secrets.get(name) for name in _BEFORE_KEYS) else _given(secrets)


def fetch(source: Source, now: float) -> Token[Keys]:
    """Raises ProviderError (401) saying what is missing or refused, Unavailable for no answer."""
    try:
        return _fetch(source, now)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        if status >= 500 or status == 429:
            raise _away(error) from None
        raise refused(str(error)) from None
    except (ConnectionError, HTTPClientError, MetadataRetrievalError) as error:
        raise _away(error) from None
    except (BotoCoreError, OSError) as error:
        raise refused(str(error)) from None


def refused(reason: str) -> GatewayError:
    message = f"litellm.AuthenticationError: AuthenticationError: AWS credentials - {reason}"
    return ProviderError(message, 401, "authentication_error")


def _away(error: Exception) -> GatewayError:
    return Unavailable(f"AWS credentials cannot be had now: {error}")


def _given(secrets: Mapping[str, str]) -> Keys | None:
    access_key, secret_key = secrets.get("aws_access_key_id"), secrets.get("aws_secret_access_key")
    if not access_key and not secret_key:
        return None
    if not access_key or not secret_key:
        raise refused("aws_access_key_id and aws_secret_access_key are needed together")
    return Keys(access_key, secret_key, secrets.get("aws_session_token"))


def _fetch(source: Source, now: float) -> Token[Keys]:
    secrets = source.secrets
    role = secrets.get("aws_role_name")
    if token := secrets.get("aws_web_identity_token"):
        if not role:
            raise refused("aws_web_identity_token needs an aws_role_name")
        return _by_identity(source, role, _identity(token, source.environ))
    base = _base(source, now)
    return _by_role(source, role, base.value) if role else base


def _base(source: Source, now: float) -> Token[Keys]:
    if profile := source.secrets.get("aws_profile_name"):
        missing = f"the profile {profile!r} is not there, or gives none"
        return Token(_loaded(_of_profile(source, profile), missing), now + USUAL_SECONDS)
    given = _given(source.secrets)
    return _of_machine(source, now) if given is None else Token(given, now + USUAL_SECONDS)


def _of_machine(source: Source, now: float) -> Token[Keys]:
    environ = source.environ
    token_file, role = environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"), environ.get("AWS_ROLE_ARN")
    if token_file and role and "AWS_ACCESS_KEY_ID" not in environ:
        return _by_identity(source, role, _read(token_file))
    missing = (
        "none found: set aws_access_key_id and aws_secret_access_key, aws_profile_name, "
        "aws_role_name or AWS_BEARER_TOKEN_BEDROCK"
    )
    return Token(_loaded(_of_chain(source), missing), now + USUAL_SECONDS)


def _of_chain(source: Source) -> Iterator[Any]:
    environ = source.environ
    there = {"ec2_metadata_service_endpoint": environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")}
    fetcher = InstanceMetadataFetcher(INSTANCE_SECONDS, env=dict(environ), config=there)
    yield EnvProvider(dict(environ))
    yield from _of_profile(source, environ.get("AWS_PROFILE") or "default")
    yield ContainerProvider(dict(environ))
    yield InstanceMetadataProvider(fetcher)


def _of_profile(source: Source, profile: str) -> Iterator[Any]:
    """botocore's providers that read ~/.aws; the others would read this process's environment."""
    session = _session(source.environ)
    if profile not in session.full_config["profiles"]:
        return
    session.set_config_variable("profile", profile)
    for provider in create_credential_resolver(session, region_name=source.region).providers:
        if provider.METHOD not in _OF_MACHINE | _OLDER:
            yield provider


def _loaded(providers: Iterator[Any], missing: str) -> Keys:
    for provider in providers:
        found = provider.load()
        if found is not None:
            keys = found.get_frozen_credentials()
            return Keys(keys.access_key, keys.secret_key, keys.token)
    raise refused(missing)


def _by_identity(source: Source, role: str, token: str) -> Token[Keys]:
    with closing(_sts(source, None)) as client:
        answer = client.assume_role_with_web_identity(
            RoleArn=role, RoleSessionName=_session_name(source), WebIdentityToken=token
        )
    return _assumed(answer)


def _by_role(source: Source, role: str, base: Keys) -> Token[Keys]:
    asked = {"RoleArn": role, "RoleSessionName": _session_name(source)}
    if external := source.secrets.get("aws_external_id"):
        asked["ExternalId"] = external
    with closing(_sts(source, base)) as client:
        return _assumed(client.assume_role(**asked))


def _assumed(answer: Mapping[str, Any]) -> Token[Keys]:
    made = answer["Credentials"]
    end: datetime = made["Expiration"]
    keys = Keys(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    return Token(keys, end.timestamp())


def _session_name(source: Source) -> str:
    secrets, environ = source.secrets, source.environ
    return secrets.get("aws_session_name") or environ.get("AWS_ROLE_SESSION_NAME") or SESSION_NAME


def _sts(source: Source, keys: Keys | None) -> Any:
    """A client; without keys its calls are not signed, and no other credentials are looked for."""
    signing = {"signature_version": UNSIGNED} if keys is None else {}
    config = Config(
        connect_timeout=CALL_SECONDS,
        read_timeout=CALL_SECONDS,
        retries={"total_max_attempts": 2},
        **signing,
    )
    shown = keys or Keys("unsigned", "unsigned")
    return _session(source.environ).create_client(
        "sts",
        region_name=source.region,
        endpoint_url=source.secrets.get("aws_sts_endpoint"),
        aws_access_key_id=shown.access_key,
        aws_secret_access_key=shown.secret_key,
        aws_session_token=shown.token,
        config=config,
    )


def _session(environ: Mapping[str, str]) -> Session:
    session = Session()
    home = f"{environ.get('HOME', '~')}/.aws"
    files = {
        "config_file": environ.get("AWS_CONFIG_FILE") or f"{home}/config",
        "credentials_file": environ.get("AWS_SHARED_CREDENTIALS_FILE") or f"{home}/credentials",
    }
    for name, path in files.items():
        session.set_config_variable(name, path)
    return session


def _identity(token: str, environ: Mapping[str, str]) -> str:
    """The token itself, or where it is: a path, LiteLLM's oidc/file, oidc/env and oidc/env_path."""
    kind, _, rest = token.partition("/")
    if kind == "":
        return _read(token)
    if kind != "oidc":
        return token
    place, _, name = rest.partition("/")
    if place == "file":
        return _read(f"/{name.lstrip('/')}")
    if place not in ("env", "env_path"):
        raise refused(f"aws_web_identity_token: oidc/{place} is not known")
    if not environ.get(name):
        raise refused(f"aws_web_identity_token: {name} is not set")
    return environ[name] if place == "env" else _read(environ[name])


def _read(path: str) -> str:
    return Path(path).read_text().strip()
