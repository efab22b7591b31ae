from pathlib import Path

import pytest

from extproc.config.problems import LeftOut
from extproc.config.upstreams import upstream
from extproc.providers.profiles import PROFILES


@pytest.mark.parametrize(
    ("base", "provider", "api_base"),
    [
        ("https://api.example/v1", "openai", "https://api.example/v1"),
        ("https://api.example/v1/", "openai", "https://api.example/v1"),
        ("https://api.example/", "openai", "https://api.example"),
        ("http://127.0.0.1:8000/v1", "openai", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000/v1", "openai", "http://[::1]:8000/v1"),
        ("HTTPS://API.Example:443/v1", "openai", "https://api.example/v1"),
        ("https://api.anthropic.com", "anthropic", "https://api.anthropic.com"),
        ("http://gpu:11434/v1/", "ollama", "http://gpu:11434"),
        ("http://gpu:11434/proxy", "ollama", "http://gpu:11434/proxy"),
        ("https://x.endpoints.test", "huggingface", "https://x.endpoints.test/v1"),
        ("http://gpu:8080/v1/", "huggingface", "http://gpu:8080/v1"),
        ("http://gpu:8080/v1/chat/completions", "huggingface", "http://gpu:8080/v1"),
    ],
)
def test_a_base_url_becomes_an_upstream_and_a_path(base: str, provider: str, api_base: str) -> None:
    host, path = upstream(base, PROFILES[provider], True, Path())
    assert f"{host.scheme}://{host.authority}{path}" == api_base


@pytest.mark.parametrize(
    "base",
    [
        "api.example/v1",
        "ftp://api.example",
        "https://",
        "https://me:secret@api.example/v1",
        "https://api.example/v1?key=secret",
        "https://api.example/v1#x",
        "https://api.example:99999/v1",
        "https://api.example:port/v1",
        "https://[::1/v1",
        "https://api example/v1",
        "https://api.example/v1/ü",
        "https://{host}/v1",
    ],
)
def test_what_is_no_base_url_is_left_out_without_repeating_it(base: str) -> None:
    with pytest.raises(LeftOut) as caught:
        upstream(base, None, True, Path())
    assert "secret" not in str(caught.value)


def test_tls_is_verified_unless_switched_off(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    url = "https://api.example/v1"
    plain, _ = upstream(url, None, True, tmp_path)
    off, _ = upstream(url, None, False, tmp_path)
    own, _ = upstream(url, None, "ca.pem", tmp_path)
    assert (plain.verify, plain.ca_file) == (True, None)
    assert (off.verify, off.ca_file) == (False, None)
    assert (own.verify, own.ca_file) == (True, str(tmp_path / "ca.pem"))
    with pytest.raises(LeftOut, match="there is no CA file"):
        upstream(url, None, "none.pem", tmp_path)
