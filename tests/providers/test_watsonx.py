"""watsonx.ai where the cases say nothing."""

from typing import Any

import pytest

from extproc.errors import InvalidRequest
from extproc.providers import watsonx
from extproc.providers.base import Request
from tests.calls import deployment


def test_a_schema_that_is_nested_too_deeply_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"items": deep}
    tool = {"type": "function", "function": {"name": "f", "parameters": deep}}
    body = {"messages": [{"role": "user", "content": "Hi"}], "tools": [tool]}
    with pytest.raises(InvalidRequest) as caught:
        watsonx.CHAT.request(Request(body=body, deployment=deployment()))
    assert caught.value.error_param == "tools"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors": 3}', b'{"errors": [{}]}'])
def test_an_error_that_is_not_watsonx_own_keeps_its_status(body: bytes) -> None:
    assert watsonx.CHAT.error(503, {}, body, deployment()).status == 503
