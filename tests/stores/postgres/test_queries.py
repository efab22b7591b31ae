import pytest

from extproc.stores.postgres.queries import load


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("keys", {"find", "create", "update", "delete", "hashes_of", "count", "page"}),
        ("ledger", {"apply", "rows"}),
        ("replicas", {"report", "list"}),
    ],
)
def test_each_query_is_found_by_its_name(file: str, names: set[str]) -> None:
    queries = load(file)
    assert set(queries) == names
    for query in queries.values():
        assert query.startswith(b"-- "), "a sentence comes first"
        assert not query.endswith(b";")
