"""Keys are made, changed, deleted, blocked and shown."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from extproc.domain.key import hash_key
from tests.admin.fakes import MASTER, NOW, SECRETS, Admin, four_keys


async def made(admin: Admin, **fields: Any) -> dict[str, Any]:
    answer = await admin.post("/key/generate", fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_new_key_is_shown_once_and_kept_as_its_hash() -> None:
    admin = Admin()
    shown = await made(admin)
    secret = shown["key"]
    assert secret.startswith("sk-") and len(secret) == 25
    assert shown["token"] == shown["token_id"] == hash_key(secret)
    assert shown["key_name"] == f"sk-...{secret[-4:]}"
    assert list(admin.registry.keys) == [hash_key(secret)]
    assert secret not in repr(admin.registry.keys)
    for path in ("/key/info", "/key/list"):
        query = {"key": hash_key(secret)} if path == "/key/info" else {"return_full_object": "true"}
        assert secret not in (await admin.get(path, **query)).text


async def test_every_field_comes_back() -> None:
    sent = {
        "key_alias": "ada's key",
        "models": ["gpt", "openai/*"],
        "aliases": {"fast": "gpt-mini"},
        "metadata": {"team": "core", "nested": {"π": [1, 2.5, None]}},
        "permissions": {"hide_secrets": False},
        "user_id": "ada",
        "team_id": "t1",
        "max_budget": 0.1,
        "spend": 0.25,
        "duration": "30d",
        "tpm_limit": 7,
        "guardrails": ["hide_secrets"],
        "model_max_budget": {"gpt": {"budget_limit": 1, "time_period": "1d"}},
        "budget_duration": "1mo",
        "blocked": False,
    }
    shown = await made(Admin(), **sent)
    assert {name: shown[name] for name in sent} == sent
    assert shown["expires"] == datetime.fromtimestamp(NOW + 30 * 86_400, UTC).isoformat()
    assert shown["created_at"] == shown["updated_at"] == "2025-06-15T15:06:40+00:00"
    assert shown["created_by"] == "default_user_id"
    assert shown["litellm_budget_table"] is None and shown["rpm_limit"] is None


async def test_money_is_kept_to_the_nano_dollar() -> None:
    admin = Admin()
    for sent, kept in ((0.1, 100_000_000), (0.30000000000000004, 300_000_000), (1e-9, 1)):
        shown = await made(admin, max_budget=sent, spend=sent)
        key = admin.registry.keys[shown["token"]]
        assert (key.max_budget_nanousd, key.spend_nanousd) == (kept, kept)


@pytest.mark.parametrize("amount", [-1, -0.01, "NaN", "Infinity", 1e300, "ten", True, [], {}])
async def test_money_that_is_none_is_refused(amount: Any) -> None:
    admin = Admin()
    answer = await admin.post("/key/generate", {"max_budget": amount})
    assert answer.status_code == 422 and not admin.registry.keys
    assert answer.json()["detail"][0]["loc"] == ["body", "max_budget"]


async def test_what_is_stored_without_effect_is_named() -> None:
    sent = {"max_budget": 1, "rpm_limit": 1, "key_alias": "a"}
    answer = await Admin().post("/key/generate", sent)
    assert answer.headers["x-unenforced-fields"] == "max_budget, rpm_limit"
    assert "x-unenforced-fields" not in (await Admin().post("/key/generate", {})).headers


async def test_a_key_may_be_chosen() -> None:
    admin = Admin()
    assert (await made(admin, key="sk-my-own-16-key"))["key"] == "sk-my-own-16-key"
    again = await admin.post("/key/generate", {"key": "sk-my-own-16-key"})
    assert again.status_code == 400


@pytest.mark.parametrize(
    "secret", ["", "sk-short-of-one", "pk-not-ours-0123456789", "sk-with a space 0123", "sk-ü" * 9]
)
async def test_a_key_that_cannot_be_one_is_refused_without_repeating_it(secret: str) -> None:
    answer = await Admin().post("/key/generate", {"key": secret})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "bad_request_error"
    assert not secret or secret not in answer.text


async def test_the_master_key_cannot_be_made_again() -> None:
    assert (await Admin().post("/key/generate", {"key": MASTER})).status_code == 400


async def test_of_two_keys_with_one_alias_one_is_made() -> None:
    admin = Admin()
    body = {"key_alias": "one"}
    answers = await asyncio.gather(*(admin.post("/key/generate", body) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    error = next(a for a in answers if a.status_code == 400).json()["error"]
    assert error == {
        "message": "Key with alias 'one' already exists. "
        "Unique key aliases across all keys are required.",
        "type": "bad_request_error",
        "param": "key_alias",
        "code": "400",
    }


async def test_fields_without_meaning_are_named() -> None:
    answer = await Admin().post("/key/generate", {"max_budgett": 1, "zeta": 2, "bad\nname": 3})
    assert answer.status_code == 200
    assert answer.headers["x-ignored-fields"] == "max_budgett, zeta"
    assert "max_budgett" not in answer.json()


async def test_an_update_keeps_what_it_leaves_out_and_clears_what_is_null() -> None:
    admin = Admin()
    key = await made(
        admin, models=["a"], metadata={"a": 1, "b": 2}, tpm_limit=5, rpm_limit=6, duration="1d"
    )
    answer = await admin.post(
        "/key/update",
        {"key": key["key"], "metadata": {"c": 3}, "tpm_limit": None, "duration": None},
    )
    shown = answer.json()
    assert shown["key"] == key["key"]
    assert shown["models"] == ["a"] and shown["metadata"] == {"c": 3}
    assert (shown["tpm_limit"], shown["rpm_limit"], shown["expires"]) == (None, 6, None)


async def test_null_clears_every_field() -> None:
    admin = Admin()
    fields = {
        "models": ["a"],
        "aliases": {"a": "b"},
        "metadata": {"a": 1},
        "permissions": {"p": True},
        "user_id": "ada",
        "max_budget": 1.0,
        "blocked": True,
        "spend": 1.0,
        "key_alias": "x",
    }
    key = await made(admin, **fields)
    shown = await admin.post("/key/update", {"key": key["token"], **dict.fromkeys(fields)})
    cleared = {name: shown.json()[name] for name in fields}
    assert cleared == {
        "models": [],
        "aliases": {},
        "metadata": {},
        "permissions": {},
        "user_id": None,
        "max_budget": None,
        "blocked": False,
        "spend": 0.0,
        "key_alias": None,
    }


async def test_a_key_is_updated_by_its_alias() -> None:
    answer = await four_keys().post("/key/update", {"key_alias": "virtual", "models": ["m"]})
    shown = answer.json()
    assert (shown["key"], shown["models"]) == (hash_key(SECRETS["virtual"]), ["m"])


async def test_an_alias_in_use_cannot_be_taken_over() -> None:
    admin = four_keys()
    answer = await admin.post("/key/update", {"key": SECRETS["virtual"], "key_alias": "other"})
    assert answer.status_code == 400 and "already exists" in answer.text
    same = await admin.post("/key/update", {"key": SECRETS["virtual"], "key_alias": "virtual"})
    assert same.status_code == 200


@pytest.mark.parametrize("named", [{"key": "sk-nobody-0123456789"}, {"key_alias": "nobody"}])
async def test_an_unknown_key_cannot_be_updated(named: dict[str, str]) -> None:
    answer = await four_keys().post("/key/update", {**named, "models": []})
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


async def test_an_update_must_name_a_key() -> None:
    assert (await Admin().post("/key/update", {"models": []})).status_code == 422


async def test_keys_are_deleted_by_secret_hash_or_alias() -> None:
    admin = four_keys()
    named = [SECRETS["virtual"], hash_key(SECRETS["other"]), "sk-nobody-0123456789", "junk"]
    answer = await admin.post("/key/delete", {"keys": named})
    assert answer.json() == {"deleted_keys": named[:2]}
    answer = await admin.post("/key/delete", {"key_aliases": ["blocked", "nobody"]})
    assert answer.json() == {"deleted_keys": [hash_key(SECRETS["blocked"])]}
    assert list(admin.registry.keys) == [hash_key(SECRETS["expired"])]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"keys": []}, 400),
        ({"keys": ["junk"]}, 404),
        ({"key_aliases": ["nobody"]}, 404),
        ({"keys": ["x"] * 1001}, 422),
    ],
)
async def test_a_delete_of_nothing_is_an_error(body: dict[str, Any], status: int) -> None:
    assert (await Admin().post("/key/delete", body)).status_code == status


async def test_a_blocked_key_is_refused_until_it_is_unblocked() -> None:
    admin = four_keys()
    name = SECRETS["virtual"]
    assert (await admin.post("/key/block", {"key": hash_key(name)})).json()["blocked"] is True
    refused = await admin.get("/key/info", name)
    assert refused.status_code == 401 and "Key is blocked" in refused.text
    assert (await admin.get("/key/info", key=name)).json()["info"]["status"] == "revoked"
    assert (await admin.post("/key/unblock", {"key": name})).json()["blocked"] is False
    assert (await admin.get("/key/info", name)).status_code == 200


async def test_blocking_tells_a_wrong_name_from_an_unknown_key() -> None:
    answer = await Admin().post("/key/block", {"key": "junk"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Invalid key format.")
    answer = await Admin().post("/key/block", {"key": "sk-nobody-0123456789"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Key not found.")


async def test_a_key_sees_itself_and_no_other() -> None:
    admin = four_keys()
    mine, other = SECRETS["virtual"], SECRETS["other"]
    for query in ({}, {"key": mine}, {"key": hash_key(mine)}):
        answer = await admin.get("/key/info", mine, **query)
        assert answer.json()["info"]["key_alias"] == "virtual"
        assert "token" not in answer.json()["info"]
    for name in (other, "sk-nobody-0123456789", "junk"):
        assert (await admin.get("/key/info", mine, key=name)).status_code == 403


async def test_info_shows_each_status() -> None:
    admin = four_keys()
    for name, status in (("virtual", "active"), ("blocked", "revoked"), ("expired", "expired")):
        answer = await admin.get("/key/info", key=SECRETS[name])
        assert answer.json()["info"]["status"] == status


@pytest.mark.parametrize("query", [{}, {"key": MASTER}, {"key": "junk"}])
async def test_info_of_no_virtual_key_is_404(query: dict[str, str]) -> None:
    answer = await four_keys().get("/key/info", **query)
    assert answer.json()["error"]["message"] == "Key not found in database"
    assert answer.status_code == 404


async def test_health_answers_the_key_that_asks() -> None:
    answer = await four_keys().ask("POST", "/key/health", SECRETS["virtual"])
    assert answer.json() == {"key": "healthy", "logging_callbacks": None}
