"""Deletes remembered responses whose time is over, now and then."""

import asyncio
import logging
from collections.abc import Callable

from extproc.stores.base import Conversations, StoreUnavailable

PURGE_SECONDS = 3600.0

log = logging.getLogger(__name__)


async def purge(conversations: Conversations, now: Callable[[], float]) -> None:
    """Until cancelled."""
    while True:
        try:
            if purged := await conversations.purge(now()):
                log.info("%d responses are forgotten", purged)
        except StoreUnavailable as error:
            log.warning("old responses cannot be deleted: %s", error)
        await asyncio.sleep(PURGE_SECONDS)
