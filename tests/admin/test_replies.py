"""Refusals, and what the log says about a bug."""

import json
import logging

import pytest

from extproc.admin.replies import Answered
from tests.admin.fakes import Admin, Registry


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'key_alias': 1}",
        b'{"a": \xff}',
        b"[" * 100_000,
        b'{"spend": ' + b"9" * 5000 + b"}",
        b"\x00",
    ],
)
async def test_what_is_not_json_is_400_in_the_envelope(body: bytes) -> None:
    answer = await Admin().ask(
        "POST", "/key/generate", content=body, headers={"content-type": "application/json"}
    )
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["type"], error["param"]) == ("invalid_request_error", "request_body")
    assert error["message"].startswith("Invalid JSON payload: ")


@pytest.mark.parametrize("body", ["null", "[]", "7", '"text"', "{}"])
async def test_json_that_is_no_such_body_is_422(body: str) -> None:
    answer = await Admin().ask("POST", "/key/block", content=body)
    assert answer.status_code == 422
    assert set(answer.json()["detail"][0]) == {"type", "loc", "msg"}


async def test_a_422_never_repeats_what_was_sent() -> None:
    secret = "sk-a-secret-of-somebody"
    answer = await Admin().post("/key/update", {"key": [secret], "metadata": secret})
    assert answer.status_code == 422 and secret not in answer.text


async def test_a_field_name_that_is_no_text_is_refused_in_plain_ascii() -> None:
    body = json.dumps({"aliases": {"\ud800": 1}})
    answer = await Admin().ask("POST", "/key/generate", content=body)
    assert answer.status_code == 422


class Broken(Registry):
    async def get(self, key_hash: str):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError("sk-a-secret-of-somebody")


async def test_a_bug_is_500_and_its_values_are_in_no_answer_and_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    admin = Admin(Broken())
    admin.app = Answered(admin.app)  # type: ignore[assignment]
    with caplog.at_level(logging.DEBUG):
        answer = await admin.get("/key/info", key="sk-a-secret-of-somebody")
    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "Internal server error."
    assert "secret" not in answer.text
    (record,) = [r for r in caplog.records if r.name == "extproc.admin.replies"]
    assert "ZeroDivisionError" in record.getMessage() and "test_replies.py" in record.getMessage()
    assert "sk-a-secret" not in caplog.text.replace("key=sk-a-secret-of-somebody", "")
