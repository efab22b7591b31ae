"""The list of keys in pages."""

from typing import Any

import pytest

from extproc.domain.key import hash_key
from tests.admin.fakes import SECRETS, four_keys

NEWEST_FIRST = [hash_key(SECRETS[name]) for name in ("expired", "blocked", "other", "virtual")]


async def test_pages_cover_every_key_once() -> None:
    admin = four_keys()
    first = (await admin.get("/key/list", size=3)).json()
    assert first == {
        "keys": NEWEST_FIRST[:3],
        "total_count": 4,
        "current_page": 1,
        "total_pages": 2,
    }
    assert (await admin.get("/key/list", size=3, page=2)).json()["keys"] == NEWEST_FIRST[3:]


@pytest.mark.parametrize(
    "filters", [{"user_id": "ada"}, {"key_alias": "virtual"}, {"key_hash": NEWEST_FIRST[3]}]
)
async def test_filters_narrow_the_list(filters: dict[str, str]) -> None:
    shown = (await four_keys().get("/key/list", return_full_object="true", **filters)).json()
    assert [key["key_alias"] for key in shown["keys"]] == ["virtual"]
    assert shown["total_count"] == 1


async def test_an_empty_list_has_no_pages() -> None:
    shown = (await four_keys().get("/key/list", team_id="none")).json()
    assert (shown["keys"], shown["total_pages"]) == ([], 0)


@pytest.mark.parametrize(
    "query", [{"page": 0}, {"size": 0}, {"size": 101}, {"page": 10**30}, {"user_id": "a\0b"}]
)
async def test_a_page_that_cannot_be_is_422(query: dict[str, Any]) -> None:
    assert (await four_keys().get("/key/list", **query)).status_code == 422


async def test_a_filter_that_is_not_served_is_refused() -> None:
    answer = await four_keys().get("/key/list", search="ada")
    assert (answer.status_code, answer.json()["error"]["param"]) == (501, "search")
