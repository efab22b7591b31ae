"""What may pass as it came, compiled from the config and the environment."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from extproc.config import ConfigError, Loaded, load
from extproc.domain.deployment import Upstream
from extproc.domain.passthrough import Passing, PassThrough

ENVIRON = {"ANTHROPIC_API_KEY": "sk-ant", "TEAM_KEY": "team-secret"}


def loaded(
    tmp_path: Path,
    endpoints: list[dict[str, Any]] | None = None,
    environ: dict[str, str] = ENVIRON,
    rows: list[dict[str, Any]] | None = None,
    **general: Any,
) -> Loaded:
    settings = {**general, "pass_through_endpoints": endpoints or []}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"model_list": rows or [], "general_settings": settings}))
    return load(config, environ)


def passing(tmp_path: Path, *endpoints: dict[str, Any], **more: Any) -> Passing:
    found = loaded(tmp_path, list(endpoints), **more)
    assert found.warnings == ()
    return found.snapshot.passing


def test_endpoint_is_compiled_whole(tmp_path: Path) -> None:
    row = {
        "id": "ours",
        "path": "/custom/rank/",
        "target": "https://api.cohere.com/v1/rerank?a=1",
        "headers": {
            "Authorization": "bearer os.environ/TEAM_KEY",
            "X-Whole": "os.environ/TEAM_KEY",
            "litellm_user_api_key": "X-My-Key",
        },
        "default_query_params": {"b": "2"},
        "include_subpath": True,
        "forward_headers": True,
        "merge_query_params": True,
        "methods": ["post"],
        "cost_per_request": "0.0000000015",
        "timeout": 7,
        "auth": False,
    }
    (endpoint,) = passing(tmp_path, row).endpoints
    target = endpoint.deployment
    assert (target.id, target.provider, target.base_path) == ("ours", "cohere", "/v1/rerank")
    assert target.upstream == Upstream("https", "api.cohere.com", 443)
    assert target.headers == {"authorization": "bearer team-secret", "x-whole": "team-secret"}
    assert (target.timeout_seconds, target.api_key) == (7.0, None)
    assert endpoint == PassThrough(
        path="/custom/rank",
        deployment=target,
        include_subpath=True,
        methods=("POST",),
        key_needed=False,
        key_header="x-my-key",
        forward_headers=True,
        query="a=1",
        merge_query=True,
        default_query={"b": "2"},
        cost_nanousd=2,
    )


def test_endpoint_needs_a_key_and_passes_nothing_below_it_by_itself(tmp_path: Path) -> None:
    found = passing(
        tmp_path, {"path": "/a", "target": "http://h:1/b"}, pass_through_request_timeout=9
    )
    (endpoint,) = found.endpoints
    assert (endpoint.key_needed, endpoint.include_subpath, endpoint.cost_nanousd) == (
        True,
        False,
        None,
    )
    assert endpoint.deployment.timeout_seconds == 9
    assert found.endpoint("/a") is endpoint
    assert found.endpoint("/a/b") is None


def test_longest_path_wins(tmp_path: Path) -> None:
    one = {"path": "/a", "target": "http://h:1/1", "include_subpath": True}
    two = {"path": "/a/b", "target": "http://h:1/2", "include_subpath": True}
    found = passing(tmp_path, one, two)
    wanted = {"/a": "/1", "/a/c": "/1", "/a/b": "/2", "/a/b/c": "/2", "/a/bc": "/1"}
    for path, base in wanted.items():
        endpoint = found.endpoint(path)
        assert endpoint is not None
        assert endpoint.deployment.base_path == base, path
    assert found.endpoint("/ab") is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"path": "/v1/rerank"}, "the gateway serves /v1/rerank itself"),
        ({"path": "/v1/models"}, "the gateway serves /v1/models itself"),
        ({"path": "/key/mine"}, "below /key the gateway itself is managed"),
        ({"path": "/"}, "is not /part/part"),
        ({"path": "custom"}, "is not /part/part"),
        ({"path": "/a/../b"}, "is not /part/part"),
        ({"path": "/a//b"}, "is not /part/part"),
        ({"path": "/a/{id}"}, "is not /part/part"),
        ({"target": "ftp://host"}, "target is not http"),
        ({"target": "https://a:b@host"}, "target must not hold a user name"),
        ({"target": "os.environ/NOWHERE"}, "os.environ/NOWHERE is not set"),
        ({"headers": {"x": "Bearer os.environ/NOWHERE"}}, "os.environ/NOWHERE is not set"),
        ({"headers": {"x": "os.environ/NOWHERE"}}, "os.environ/NOWHERE is not set"),
        ({"headers": {"Host": "x"}}, "headers: host may not be set"),
        ({"headers": {"X-Gateway-Cluster": "x"}}, "x-gateway-cluster may not be set"),
        ({"headers": {"a b": "x"}}, "headers: a b may not be set"),
        ({"headers": {"x": "a\nb"}}, "headers: x holds characters"),
        ({"guardrails": {"secrets": None}}, "guardrails of a single endpoint cannot"),
    ],
)
def test_endpoint_that_cannot_be_used_is_left_out(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    row = {"path": "/custom", "target": "http://host/x", **changes}
    found = loaded(tmp_path, [row, {"path": "/other", "target": "http://host"}])
    assert [each.path for each in found.snapshot.passing.endpoints] == ["/other"]
    (warning,) = found.warnings
    assert "general_settings.pass_through_endpoints[0]: left out: " in warning
    assert reason in warning
    assert "team-secret" not in warning


def test_second_endpoint_of_a_path_is_left_out(tmp_path: Path) -> None:
    row = {"path": "/custom", "target": "http://host/x"}
    found = loaded(tmp_path, [row, {**row, "path": "/custom/"}])
    assert len(found.snapshot.passing.endpoints) == 1
    assert "there is another endpoint with the path /custom" in found.warnings[0]


@pytest.mark.parametrize("row", [{"path": "/a"}, {"target": "http://host"}, "text", {"auth": "x"}])
def test_endpoint_that_makes_no_sense_stops_the_start(tmp_path: Path, row: Any) -> None:
    with pytest.raises(ConfigError, match="pass_through_endpoints"):
        loaded(tmp_path, [row])


def test_key_in_the_environment_opens_its_providers_api(tmp_path: Path) -> None:
    environ = {"MISTRAL_API_KEY": "m", "DEEPGRAM_API_KEY": "d"}
    providers = passing(tmp_path, environ=environ).providers
    assert providers.keys() == {"mistral", "deepgram"}
    (deepgram,) = providers["deepgram"]
    assert deepgram.headers == {"authorization": "Token d"}
    (mistral,) = providers["mistral"]
    assert (mistral.api_key, mistral.base_path, mistral.id) == ("m", "/v1", "pass-through/mistral")


def test_environment_alone_opens_them_too() -> None:
    assert load(None, ENVIRON).snapshot.passing.providers.keys() == {"anthropic"}


def test_deployment_that_says_so_comes_first(tmp_path: Path) -> None:
    rows = [
        {"model_name": "a", "litellm_params": {"model": "anthropic/x", "api_key": "1"}},
        {
            "model_name": "b",
            "litellm_params": {
                "model": "anthropic/y",
                "api_key": "2",
                "use_in_pass_through": True,
            },
        },
    ]
    providers = passing(tmp_path, rows=rows).providers
    assert [each.api_key for each in providers["anthropic"]] == ["2", "sk-ant"]


def test_with_clients_credentials_no_key_of_ours_is_needed(tmp_path: Path) -> None:
    found = passing(tmp_path, environ={}, use_client_credentials_pass_through_routes=True)
    assert found.client_credentials
    assert {"openai", "anthropic", "gemini", "cohere", "deepgram"} <= found.providers.keys()
    assert all(each.api_key is None for each in found.deployments)


def test_what_providers_keep_is_open_only_if_the_operator_says_so(tmp_path: Path) -> None:
    assert not passing(tmp_path).stored_objects
    assert passing(tmp_path, pass_through_stored_objects=True).stored_objects


def test_hosts_are_upstreams_and_a_change_is_a_new_generation(tmp_path: Path) -> None:
    one = loaded(tmp_path, [{"path": "/a", "target": "http://h:1/b"}]).snapshot
    two = loaded(tmp_path, [{"path": "/a", "target": "http://h:1/c"}]).snapshot
    assert {each.host for each in one.upstreams} == {"api.anthropic.com", "h"}
    assert one.generation != two.generation
