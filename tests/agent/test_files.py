"""What is written for Envoy."""

import pytest

from extproc.agent.files import resolved_proxy
from extproc.settings import SettingError


def test_proxy_is_given_by_its_address() -> None:
    assert resolved_proxy(None) is None
    assert resolved_proxy("http://127.0.0.1:3128") == "http://127.0.0.1:3128"
    by_name = resolved_proxy("http://localhost:3128")
    assert by_name in ("http://127.0.0.1:3128", "http://[::1]:3128")


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1:3128", "http://u:p@127.0.0.1:1", "http://no.such.host.invalid:1", "x"],
)
def test_proxy_that_cannot_be_used_is_one_line_of_advice(url: str) -> None:
    with pytest.raises(SettingError, match=r"^HTTPS_PROXY: ") as refused:
        resolved_proxy(url)
    assert "\n" not in str(refused.value)
