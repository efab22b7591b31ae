"""What was spent, by key, request, user and dates."""

from datetime import UTC, datetime
from typing import Any

import pytest

from extproc.admin import spend
from extproc.domain.key import hash_key
from extproc.domain.ledger import interrupted
from tests.admin.fakes import MASTER, SECRETS, Admin, Ledger, four_keys, spent


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def ledger() -> Ledger:
    about = {"user": "ada", "key_alias": "virtual", "team_id": "t1", "tags": ["a", "b"]}
    return Ledger(
        spent("c1", "virtual", at("2025-06-01T00:00:00"), 100_000_000, about=about),
        spent("c2", "virtual", at("2025-06-01T23:59:59.9"), 200_000_000, model="o3", about=about),
        spent("c3", "other", at("2025-06-02T12:00:00"), 5),
        spent("c4", "master", at("2025-06-03T12:00:00"), None),
    )


def admin() -> Admin:
    made = four_keys()
    made.ledger.kept = ledger().kept
    return made


async def ids(key: str = MASTER, **query: str) -> list[str]:
    answer = await admin().get("/spend/logs", key, summarize="false", **query)
    assert answer.status_code == 200, answer.text
    return [row["request_id"] for row in answer.json()]


async def test_rows_come_newest_first() -> None:
    assert await ids() == ["c4", "c3", "c2", "c1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"api_key": SECRETS["virtual"]}, ["c2", "c1"]),
        ({"api_key": hash_key(SECRETS["other"])}, ["c3"]),
        ({"api_key": MASTER}, ["c4"]),
        ({"request_id": "c2"}, ["c2"]),
        ({"request_id": "none"}, []),
        ({"user_id": "ada"}, ["c2", "c1"]),
        ({"start_date": "2025-06-01", "end_date": "2025-06-01"}, ["c2", "c1"]),
        ({"start_date": "2025-06-02"}, ["c4", "c3"]),
        ({"end_date": "2025-06-02"}, ["c3", "c2", "c1"]),
        ({"start_date": "2025-06-01 00:00:01", "end_date": "2025-06-02 12:00:00"}, ["c3", "c2"]),
        ({"end_date": "2025-06-02 11:59:59"}, ["c2", "c1"]),
    ],
)
async def test_filters(query: dict[str, str], found: list[str]) -> None:
    assert await ids(**query) == found


async def test_a_virtual_key_sees_its_own_rows_alone() -> None:
    mine = SECRETS["virtual"]
    assert await ids(mine) == ["c2", "c1"]
    assert await ids(mine, api_key=mine) == ["c2", "c1"]
    assert await ids(mine, request_id="c3") == []
    for other in (SECRETS["other"], MASTER, "junk"):
        answer = await admin().get("/spend/logs", mine, api_key=other)
        assert answer.status_code == 403
    days = await admin().get("/spend/logs", mine, start_date="2025-01-01", end_date="2025-12-31")
    assert [day["startTime"] for day in days.json()] == ["2025-06-01"]


async def test_dates_give_sums_by_day() -> None:
    dates = {"start_date": "2025-06-01", "end_date": "2025-06-02"}
    assert (await admin().get("/spend/logs", **dates)).json() == [
        {
            "startTime": "2025-06-01",
            "spend": 0.3,
            "users": {"ada": 0.3},
            "models": {"o3": 0.2, "gpt-4o": 0.1},
        },
        {"startTime": "2025-06-02", "spend": 5e-9, "users": {"": 5e-9}, "models": {"gpt-4o": 5e-9}},
    ]


async def test_a_sum_is_refused_rather_than_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spend, "MOST_SUMMED", 3)
    dates = {"start_date": "2025-06-01", "end_date": "2025-06-02"}
    assert (await admin().get("/spend/logs", **dates)).status_code == 200
    dates["end_date"] = "2025-06-03"
    assert (await admin().get("/spend/logs", **dates)).status_code == 400


@pytest.mark.parametrize(
    "date", ["june", "2025-13-01", "2025-06-01T00:00", "9999-12-31", "1" * 600, "2025-06-01\0"]
)
async def test_a_date_that_is_none_is_refused(date: str) -> None:
    answer = await admin().get("/spend/logs", start_date="2025-06-01", end_date=date)
    assert answer.status_code in (400, 422)


async def test_a_row_has_litellms_columns() -> None:
    (row,) = (await admin().get("/spend/logs", request_id="c1")).json()
    assert row == {
        "request_id": "c1",
        "call_type": "acompletion",
        "api_key": hash_key(SECRETS["virtual"]),
        "spend": 0.1,
        "total_tokens": 15,
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "startTime": "2025-06-01T00:00:00+00:00",
        "endTime": "2025-06-01T00:00:02+00:00",
        "completionStartTime": None,
        "request_duration_ms": 2000,
        "model": "gpt-4o",
        "model_id": "d1",
        "model_group": "gpt",
        "custom_llm_provider": "openai",
        "api_base": "https://api.example.com",
        "user": "ada",
        "metadata": row["metadata"],
        "cache_hit": "False",
        "cache_key": "Cache OFF",
        "request_tags": ["a", "b"],
        "team_id": "t1",
        "organization_id": None,
        "end_user": "",
        "requester_ip_address": None,
        "messages": {},
        "response": {},
        "proxy_server_request": {},
        "session_id": "c1",
        "status": "success",
        "agent_id": None,
    }
    about = row["metadata"]
    assert about["user_api_key_alias"] == "virtual" and about["user_api_key_team_id"] == "t1"
    assert about["usage_object"]["prompt_tokens_details"]["cached_tokens"] == 4
    assert about["error_information"] is None


async def test_a_row_says_what_is_doubtful_about_it() -> None:
    begun = spent("c1", "virtual", 1e9, 0).begun
    failed = spent("c2", "virtual", 1e9 - 1, None, status="failure", http_status=500, error="boom")
    flags: list[Any] = []
    for row in (await Admin(ledger=Ledger(interrupted(begun), failed)).get("/spend/logs")).json():
        about = row["metadata"]
        names = ("estimated", "interrupted", "unknown_price", "attempt")
        flags.append([row["status"], row["spend"], *(about[name] for name in names)])
    assert flags == [
        ["failure", 1e-9, True, True, False, 1],
        ["failure", 0.0, False, False, True, 1],
    ]
    assert about["error_information"] == {"error_code": "500", "error_message": "boom"}
