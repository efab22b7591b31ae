"""Which deployments a name finds."""

import pytest

from extproc.domain.deployment import Upstream
from extproc.domain.snapshot import Rules, Snapshot
from extproc.errors import RequestTooLarge
from tests.calls import deployment

SNAPSHOT = Snapshot(
    "g",
    {
        "gpt": (deployment("exact"),),
        "*": (deployment("any", model="*"),),
        "openai/*": (deployment("openai", model="*"),),
        "openai/gpt-4*": (deployment("four", model="gpt-4*"),),
    },
    aliases={"short": "gpt"},
)


@pytest.mark.parametrize(
    ("name", "id_", "model"),
    [
        ("gpt", "exact", "gpt-4o"),
        ("short", "exact", "gpt-4o"),
        ("openai/gpt-4.1", "four", "gpt-4.1"),
        ("openai/o3", "openai", "o3"),
        ("mistral/large", "any", "mistral/large"),
    ],
)
def test_alias_then_exact_then_most_specific_pattern(name: str, id_: str, model: str) -> None:
    (found,) = SNAPSHOT.find(name)
    assert (found.id, found.model) == (id_, model)


def test_unknown_name_finds_nothing() -> None:
    assert Snapshot("g", {"gpt": (deployment(),)}).find("other") == ()


def test_size_is_checked_against_the_limit() -> None:
    Rules(max_request_bytes=10).check_size(10)
    with pytest.raises(RequestTooLarge):
        Rules(max_request_bytes=10).check_size(11)


def test_hosts_that_differ_have_clusters_of_their_own() -> None:
    hosts = [
        Upstream("https", "a.example", 443),
        Upstream("http", "a.example", 443),
        Upstream("https", "a.example", 444),
        Upstream("https", "a.example", 443, verify=False),
        Upstream("https", "::1", 443),
    ]
    names = {host.cluster for host in hosts}
    assert len(names) == 5 and all(":" not in name for name in names)
    assert hosts[0].authority == "a.example" and hosts[4].authority == "[::1]"


def test_a_wildcard_takes_no_name_that_would_lead_elsewhere() -> None:
    held = Snapshot("g", {"own/*": (deployment(model="meta/*"),)})
    assert held.find("own/llama/3")[0].model == "meta/llama/3"
    assert held.find("own/../secret") == held.find("own/a/./b") == ()
