"""Where a deployment is reached: its base URL and its TLS, as an Upstream."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from extproc.config.problems import LeftOut
from extproc.domain.deployment import Upstream
from extproc.providers.profile import Profile

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_PATH = re.compile(r"[!-~]*")
_PORTS = {"http": 80, "https": 443}


def upstream(
    base: str, profile: Profile | None, ssl_verify: bool | str, folder: Path
) -> tuple[Upstream, str]:
    """The host and the path below which the provider's endpoints lie. Raises LeftOut."""
    try:
        url = urlsplit(base.strip())
        host, port = url.hostname or "", url.port
    except ValueError:
        raise LeftOut("api_base is not a URL") from None
    if url.username or url.password:
        raise LeftOut("api_base must not hold a user name or a password")
    if url.scheme not in _PORTS or not _HOST.fullmatch(host) or url.query or url.fragment:
        raise LeftOut("api_base is not http(s)://host[:port][/path]")
    path = _trimmed(url.path.rstrip("/"), profile.trims if profile else ())
    if not _PATH.fullmatch(path):
        raise LeftOut("api_base holds characters that a URL may not")
    if not path and profile is not None and profile.own_root:
        path = profile.root
    verify, ca_file = _tls(ssl_verify, folder)
    return Upstream(url.scheme, host, port or _PORTS[url.scheme], verify, ca_file), path


def _trimmed(path: str, ends: tuple[str, ...]) -> str:
    """Without what the wire format adds itself: the longest of these ends."""
    for end in sorted(ends, key=len, reverse=True):
        if path.endswith(end):
            return path.removesuffix(end)
    return path


def _tls(ssl_verify: bool | str, folder: Path) -> tuple[bool, str | None]:
    if isinstance(ssl_verify, bool):
        return ssl_verify, None
    ca_file = folder / ssl_verify
    if not ca_file.is_file():
        raise LeftOut(f"ssl_verify: there is no CA file {ca_file}")
    return True, str(ca_file.resolve())
