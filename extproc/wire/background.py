"""Work that outlives the stream that started it, owned by the server and awaited at its end."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from extproc.clients.logs import bug

log = logging.getLogger(__name__)


class Background:
    """Tasks in the server's task group; one that fails is logged and counted, never silent."""

    def __init__(
        self, group: asyncio.TaskGroup, failed: Callable[[], None], moved: Callable[[int], None]
    ) -> None:
        """`failed` is told of each that failed, `moved` of each that begins (1) and ends (-1)."""
        self._group = group
        self._failed = failed
        self._moved = moved

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._group.create_task(self._guard(coroutine))

    async def _guard(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._moved(1)
        try:
            await coroutine
        except Exception as error:
            log.error("background work failed: %s", bug(error))
            self._failed()
        finally:
            self._moved(-1)
