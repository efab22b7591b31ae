"""The real servers, as fixtures of every test, and the flag that rewrites reviewed files."""

import pytest

pytest_plugins = ["tests.servers"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-cases", action="store_true", help="rewrite what is ours in tests/cases"
    )
