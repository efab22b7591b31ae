"""What every wire format owes to each endpoint it serves: a case, or the reason why there is none.

The reasons are in tests/cases/<endpoint>/<format>/absent.toml: `cell = "reason"`, where a feature
without ", streamed" is absent from whole answers and from streams. Formats that share a translator
share its cases. A bridged endpoint owes nothing here: test_bridged.py drives it with the cases of
the chat it is built on. `python -m tests.providers.cells` prints what is missing.
"""

from collections.abc import Callable, Iterator, Mapping

from tests.providers import matrix
from tests.providers.matrix import FEATURES, Case

CONVERSATIONS = ("chat", "messages", "generate", "responses")
STREAMED = (*CONVERSATIONS, "completions")
ELSEWHERE = ("realtime",)
"""A WebSocket's frames are no case folder: tests/flow/test_realtime.py."""

FEATURED = ("tools", "parallel tools", "images", "JSON schema", "reasoning", "caching")
STATUSES = (400, 401, 429, 500)
ALSO_STREAMED = ", streamed"

Shows = Callable[[Case], bool]


def pairs() -> list[tuple[str, str]]:
    """Every endpoint and format that is translated natively."""
    return [pair for pair in matrix.registry.NATIVE if pair[0] not in ELSEWHERE]


def owed(endpoint: str) -> dict[str, Shows]:
    """The cells of an endpoint, and what shows each."""
    cells = {"text": FEATURES["whole"]}
    cells |= {f"error {status}": _error(status) for status in STATUSES}
    if endpoint in STREAMED:
        cells |= {"text, streamed": FEATURES["streamed"], "stream cut": FEATURES["stream cut"]}
    if endpoint in CONVERSATIONS:
        for name in FEATURED:
            cells[name] = _both(FEATURES[name], FEATURES["whole"])
            cells[name + ALSO_STREAMED] = _both(FEATURES[name], FEATURES["streamed"])
    return cells


def _error(status: int) -> Shows:
    return lambda case: case.about.get("status") == status and "client.json" in case.files


def _both(one: Shows, other: Shows) -> Shows:
    return lambda case: one(case) and other(case)


def shared(endpoint: str, schema: str, known: list[Case]) -> list[Case]:
    """Its cases, and those of a format that has the very translator."""
    mine = matrix.registry.NATIVE[endpoint, schema]  # type: ignore[index]
    same = {
        other
        for (name, other), theirs in matrix.registry.NATIVE.items()
        if name == endpoint and theirs is mine
    }
    return [case for case in known if case.endpoint == endpoint and case.schema in same]


def blank(endpoint: str, known: list[Case], reasons: Mapping[str, str]) -> Iterator[str]:
    """The cells that neither a case nor a reason fills."""
    for cell, shows in owed(endpoint).items():
        excused = cell in reasons or cell.removesuffix(ALSO_STREAMED) in reasons
        if not excused and not any(map(shows, known)):
            yield cell


def stale(endpoint: str, known: list[Case], reasons: Mapping[str, str]) -> Iterator[str]:
    """The reasons that name no cell, or one that a case fills."""
    cells = owed(endpoint)
    for name in reasons:
        named = [cell for cell in cells if name in (cell, cell.removesuffix(ALSO_STREAMED))]
        if not named or any(cells[cell](case) for cell in named for case in known):
            yield name


def main() -> None:
    known = matrix.found()
    for pair in pairs():
        if missing := list(blank(pair[0], shared(*pair, known), matrix.absent(*pair))):
            print("/".join(pair) + ": " + "; ".join(missing))


if __name__ == "__main__":
    main()
