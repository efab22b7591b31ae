from dataclasses import replace

import pytest

from extproc.stores.base import AliasTaken
from tests.contracts.conftest import Books
from tests.contracts.values import KEY


async def test_a_key_is_found_as_it_was_made(books: Books) -> None:
    assert await books.keys.create(KEY) == KEY
    assert await books.keys.find(KEY.hash) == KEY
    assert await books.keys.get(KEY.hash) == KEY


async def test_a_bare_key_keeps_its_absent_fields(books: Books) -> None:
    bare = replace(type(KEY)("c" * 64), created_at=1.0, updated_at=1.0)
    await books.keys.create(bare)
    assert await books.keys.find(bare.hash) == bare


async def test_no_key_is_none(books: Books) -> None:
    assert await books.keys.find("b" * 64) is None
    assert await books.keys.find("\0") is None
    assert await books.keys.update("b" * 64, {"blocked": True}) is None


async def test_only_the_named_fields_change(books: Books) -> None:
    await books.keys.create(KEY)
    changes = {
        "alias": None,
        "models": ("m",),
        "metadata": {},
        "blocked": True,
        "expires_at": None,
        "updated_at": 1_700_000_009.0,
    }
    expected = replace(KEY, **changes)
    assert await books.keys.update(KEY.hash, changes) == expected
    assert await books.keys.find(KEY.hash) == expected


async def test_spend_can_be_set(books: Books) -> None:
    await books.keys.create(KEY)
    key = await books.keys.update(KEY.hash, {"spend_nanousd": 99})
    assert key.spend_nanousd == 99


async def test_an_alias_belongs_to_one_key(books: Books) -> None:
    await books.keys.create(KEY)
    with pytest.raises(AliasTaken):
        await books.keys.create(replace(KEY, hash="b" * 64))
    await books.keys.create(replace(KEY, hash="b" * 64, alias="second"))
    with pytest.raises(AliasTaken):
        await books.keys.update("b" * 64, {"alias": "first"})


async def test_many_keys_without_alias(books: Books) -> None:
    for letter in "ab":
        await books.keys.create(replace(KEY, hash=letter * 64, alias=None))
    assert (await books.keys.page({}, 0, 10)).total == 2


async def test_deleting_names_those_that_existed(books: Books) -> None:
    await books.keys.create(KEY)
    assert list(await books.keys.delete([KEY.hash, "b" * 64])) == [KEY.hash]
    assert await books.keys.find(KEY.hash) is None


async def test_hashes_by_alias(books: Books) -> None:
    await books.keys.create(KEY)
    await books.keys.create(replace(KEY, hash="b" * 64, alias="second"))
    found = await books.keys.hashes_of(["second", "first", "third"])
    assert sorted(found) == [KEY.hash, "b" * 64]


async def test_pages_are_newest_first(books: Books) -> None:
    for n, letter in enumerate("abc"):
        await books.keys.create(
            replace(KEY, hash=letter * 64, alias=letter, created_at=1_700_000_000.0 + n)
        )
    first = await books.keys.page({}, 0, 2)
    assert [key.alias for key in first.keys] == ["c", "b"]
    assert first.total == 3
    beyond = await books.keys.page({}, 10, 2)
    assert (list(beyond.keys), beyond.total) == ([], 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user_id", "other"),
        ("team_id", "other"),
        ("organization_id", "other"),
        ("key_hash", "b" * 64),
        ("key_alias", "other"),
    ],
)
async def test_each_filter_selects(books: Books, name: str, value: str) -> None:
    await books.keys.create(KEY)
    other = replace(
        KEY,
        hash="b" * 64,
        alias="other",
        user_id="other",
        team_id="other",
        organization_id="other",
    )
    await books.keys.create(other)
    page = await books.keys.page({name: value}, 0, 10)
    assert (list(page.keys), page.total) == ([other], 1)


async def test_odd_text_is_stored(books: Books) -> None:
    odd = {"quote": "'; drop table virtual_key; --", "backslash": "\\u0000", "emoji": "🙂"}
    await books.keys.create(replace(KEY, metadata=odd))
    assert (await books.keys.find(KEY.hash)).metadata == odd
