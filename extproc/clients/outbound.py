"""The gateway's own requests to providers, with each deployment's credential: no client waits.

Blocking, in threads: there are few of them, and their answers are read line by line.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import requests

from extproc import __version__
from extproc.clients.oauth import reason
from extproc.domain.departure import Departure
from extproc.domain.deployment import Deployment

T = TypeVar("T")

CALL_SECONDS = 30.0
"""For a connection, and between two pieces of an answer. Nothing is sent on to elsewhere."""
MOST_AT_ONCE = 4
PIECE_BYTES = 65_536

Session = Callable[[Deployment], requests.Session]


class Unreached(Exception):
    """The provider gave no answer, or broke it off."""


class Declined(Exception):
    """The provider answered with another status than 200."""

    def __init__(self, status: int) -> None:
        super().__init__(f"answered {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Outbound:
    """`session` knows proxies and certificates."""

    sign: Callable[[Departure], Awaitable[Mapping[str, str]]]
    session: Session
    threads: ThreadPoolExecutor

    async def get(
        self, deployment: Deployment, path: str, read: Callable[[Iterator[bytes]], T]
    ) -> T:
        """What `read`, in a thread, makes of the body's lines.

        Raises Unreached, Declined, and GatewayError where there is no credential.
        """
        seen = {
            "accept-encoding": "identity",
            "user-agent": f"llm-extproc/{__version__}",
            **{name.lower(): value for name, value in deployment.headers.items()},
        }
        credential = await self.sign(Departure(deployment, "GET", path, seen, b""))
        upstream = deployment.upstream
        url = f"{upstream.scheme}://{upstream.authority}{path}"
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self.threads, self._asked, deployment, url, {**seen, **credential}, read
        )

    def _asked(
        self,
        deployment: Deployment,
        url: str,
        headers: Mapping[str, str],
        read: Callable[[Iterator[bytes]], T],
    ) -> T:
        try:
            with (
                self.session(deployment) as session,
                session.get(
                    url,
                    headers=dict(headers),
                    timeout=CALL_SECONDS,
                    stream=True,
                    allow_redirects=False,
                ) as answer,
            ):
                if answer.status_code != 200:
                    raise Declined(answer.status_code)
                return read(answer.iter_lines(PIECE_BYTES))
        except OSError as error:  # as all of requests' own are
            raise Unreached(reason(error)) from None


def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_AT_ONCE, "outbound")
