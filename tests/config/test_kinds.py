from decimal import Decimal

import pytest

from extproc.config.kinds import KINDS, MEANING, converted
from extproc.config.problems import ConfigError
from extproc.config.yamlfile import Node


def node(value: object, text: str | None = None) -> Node:
    if isinstance(value, list):
        value = [node(item) for item in value]
    if isinstance(value, dict):
        value = {name: node(item) for name, item in value.items()}
    return Node(value, "a.yaml", 1, str(value) if text is None else text)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("boolean", True, True),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("boolean", "off", False),
        ("number", 3, 3),
        ("number", "1e-09", 1e-09),
        ("number", -0.5, -0.5),
        ("integer", "12", 12),
        ("integer", 5.0, 5),
        ("count", 0, 0),
        ("positive", "1", 1),
        ("weight", "0.5", 0.5),
        ("seconds", 2, 2.0),
        ("string", "a", "a"),
        ("string", 7, "7"),
        ("strings", ["a", 1], ["a", "1"]),
        ("strings", [], []),
        ("texts", {"a": True, "b": 1}, {"a": "True", "b": "1"}),
        ("list", [1, {"a": 2}], [1, {"a": 2}]),
        ("mapping", {"a": [1]}, {"a": [1]}),
        ("boolean or string", "/ca.pem", "/ca.pem"),
        ("boolean or string", "false", False),
        ("strings or string", "otel", "otel"),
        ("any", [1], [1]),
    ],
)
def test_a_value_becomes_its_kind(kind: str, value: object, expected: object) -> None:
    found = converted(node(value), kind, "p")
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("3e-6", Decimal("0.000003")),
        ("0.00000015", Decimal("0.00000015")),
        ("0", Decimal(0)),
        ("1.10", Decimal("1.1")),
        ("1_000", Decimal(1000)),
        ("0.1234567890123456789", Decimal("0.1234567890123456789")),
    ],
)
def test_a_price_is_exact(text: str, price: Decimal) -> None:
    assert converted(node(float(text), text), "price", "p") == price


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("boolean", 1),
        ("boolean", "maybe"),
        ("number", True),
        ("number", "x"),
        ("number", float("nan")),
        ("number", "inf"),
        ("number", 10**400),
        ("integer", 1.5),
        ("integer", [1]),
        ("count", -1),
        ("positive", 0),
        ("weight", -0.1),
        ("seconds", 0),
        ("seconds", "soon"),
        ("price", -1),
        ("price", "free"),
        ("price", "NaN"),
        ("price", True),
        ("price", [1]),
        ("string", True),
        ("string", ["a"]),
        ("strings", "a"),
        ("strings", [["a"]]),
        ("texts", {"a": [1]}),
        ("texts", "a"),
        ("list", {"a": 1}),
        ("mapping", [1]),
        ("boolean or string", [1]),
    ],
)
def test_a_wrong_type_is_an_error_with_the_place(kind: str, value: object) -> None:
    with pytest.raises(ConfigError, match=r"^a\.yaml:1: section\.key: expected .*, got "):
        converted(node(value), kind, "section.key")


def test_long_text_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ConfigError, match=r"got text$"):
        converted(node("sk-" + "x" * 40), "integer", "p")


def test_every_kind_has_a_name_for_people() -> None:
    assert KINDS.keys() == MEANING.keys()
