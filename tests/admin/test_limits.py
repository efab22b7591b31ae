"""Bodies over the limit."""

from collections.abc import AsyncIterator

from tests.admin.fakes import Admin


async def test_a_body_up_to_the_limit_passes() -> None:
    admin = Admin(max_body_bytes=100)
    body = b'{"user_id": "' + b"a" * 85 + b'"}'
    assert len(body) == 100
    assert (await admin.ask("POST", "/key/generate", content=body)).status_code == 200
    answer = await admin.ask("POST", "/key/generate", content=body + b" ")
    assert answer.status_code == 413
    assert answer.json()["error"]["param"] == "content-length"


async def test_a_body_that_declares_no_length_is_stopped_where_it_passes_the_limit() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1000:
            sent += 1
            yield b" " * 100

    admin = Admin(max_body_bytes=1000)
    assert (await admin.ask("POST", "/key/generate", content=endless())).status_code == 413
    assert sent == 11
