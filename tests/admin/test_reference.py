"""The reference page names every route and every field."""

from pathlib import Path

import pytest

from extproc.admin.app import ROUTES
from extproc.admin.keylist import ListKeys
from extproc.admin.schemas import UpdateKey
from extproc.admin.spend import SpendLogs

PAGE = (Path(__file__).parents[2] / "docs/reference/management-api.md").read_text()


@pytest.mark.parametrize("route", [f"{route.method} {route.path}" for route in ROUTES])
def test_routes_are_named(route: str) -> None:
    assert f"`{route}`" in PAGE


@pytest.mark.parametrize(
    "name", sorted({*UpdateKey.model_fields, *ListKeys.model_fields, *SpendLogs.model_fields})
)
def test_fields_are_named(name: str) -> None:
    assert f"`{name}`" in PAGE
