"""How the caller of a management route is told."""

import pytest

from extproc.domain.key import hash_key
from tests.admin.fakes import MASTER, SECRETS, Admin, Away, four_keys


@pytest.mark.parametrize("header", ["x-litellm-api-key", "api-key", "x-api-key"])
async def test_a_key_may_come_in_the_other_headers(header: str) -> None:
    answer = await four_keys().ask("GET", "/key/list", None, headers={header: MASTER})
    assert answer.status_code == 200


async def test_the_hash_of_a_key_is_not_a_key() -> None:
    admin = four_keys()
    for secret in (MASTER, SECRETS["virtual"]):
        assert (await admin.get("/key/list", hash_key(secret))).status_code == 401
        assert (await admin.get("/key/info", hash_key(secret))).status_code == 401


async def test_an_unknown_key_is_named_by_its_hash_alone() -> None:
    secret = "sk-nobody-knows-this-key"
    answer = await four_keys().get("/key/info", secret)
    assert answer.json()["error"]["type"] == "token_not_found_in_db"
    assert hash_key(secret) in answer.text and secret not in answer.text


async def test_an_unknown_key_gets_503_while_nobody_can_tell() -> None:
    answer = await Admin(keys=Away()).get("/key/info", SECRETS["virtual"])
    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "no_db_connection"


async def test_a_database_that_is_away_is_503_for_the_master_key_too() -> None:
    away = Admin(registry=Away(), ledger=Away())
    for method, path in (("POST", "/key/generate"), ("GET", "/key/list"), ("GET", "/spend/logs")):
        answer = await away.ask(method, path, json={})
        assert answer.status_code == 503
        assert answer.json()["error"]["type"] == "no_db_connection"


async def test_bytes_that_are_no_text_in_a_key_are_refused() -> None:
    answer = await four_keys().ask(
        "GET", "/key/list", None, headers={"authorization": b"Bearer sk-\xff\xfe"}
    )
    assert answer.status_code == 401
