"""Replicate where the cases say nothing."""

from dataclasses import replace

import pytest

from extproc.providers import replicate
from extproc.providers.base import Request
from tests.calls import deployment

REQUEST = Request(body={"messages": [{"role": "user", "content": "Hi"}]}, deployment=deployment())


@pytest.mark.parametrize(
    ("model", "path", "version"),
    [
        ("owner/a b", "/models/owner/a%20b/predictions", None),
        ("owner/name:0123", "/predictions", "owner/name:0123"),
        ("0123", "/predictions", "0123"),
        ("deployments/owner/name", "/deployments/owner/name/predictions", None),
    ],
)
def test_a_model_has_an_address_or_a_version(model: str, path: str, version: str | None) -> None:
    outgoing = replicate.CHAT.request(replace(REQUEST, deployment=deployment(model=model)))
    assert (outgoing.path, outgoing.body.get("version")) == (path, version)
