from types import MappingProxyType

import orjson
import pytest

from extproc.stores.storable import storable


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\0b", "a\ufffdb"),
        ("\ud800", "\ufffd"),
        (10**30, 2**63 - 1),
        (-(10**30), -(2**63 - 1)),
        (True, True),
        (None, None),
        (1.5, 1.5),
        ({"\0": ["\0", {1: "x"}]}, {"\ufffd": ["\ufffd", {"1": "x"}]}),
        (MappingProxyType({"a": ("b",)}), {"a": ["b"]}),
        (b"x", "b'x'"),
    ],
)
def test_what_no_store_takes_is_replaced(value: object, expected: object) -> None:
    assert storable(value) == expected
    orjson.dumps(storable(value))
