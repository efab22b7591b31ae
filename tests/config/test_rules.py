import pytest

from extproc.config.rules import rules
from extproc.domain.snapshot import Rules


def test_nothing_configured_is_the_usual() -> None:
    assert rules({}, {}, {}, ()) == Rules()


@pytest.mark.parametrize(
    ("megabytes", "size"),
    [(32, 32 * 1024**2), (0.5, 512 * 1024), (1e-09, 0), (0, 0), (-5, 0), (0.000001, 1)],
)
def test_a_size_limit_is_whole_bytes_and_shown_as_written(megabytes: float, size: int) -> None:
    found = rules({}, {"max_request_size_mb": megabytes}, {}, ())
    assert (found.max_request_bytes, found.max_request_mb_shown) == (size, megabytes)


@pytest.mark.parametrize(
    ("litellm", "router", "retries"),
    [({}, {}, 2), ({}, {"num_retries": 5}, 5), ({"num_retries": 0}, {"num_retries": 5}, 0)],
)
def test_litellm_settings_win_over_router_settings(
    litellm: dict[str, int], router: dict[str, int], retries: int
) -> None:
    assert rules(litellm, {}, router, ()).num_retries == retries


def test_the_first_byte_is_not_awaited_longer_than_the_whole_answer() -> None:
    found = rules({"request_timeout": 30.0}, {}, {"timeout": 900.0}, ())
    assert (found.request_timeout_seconds, found.first_byte_seconds) == (30, 30)


def test_a_stream_timeout_is_how_long_a_stream_may_be_silent() -> None:
    found = rules({}, {}, {"stream_timeout": 15.0}, ())
    assert (found.first_byte_seconds, found.stall_seconds) == (15, 15)
