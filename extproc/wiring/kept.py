"""What is kept between calls: in Postgres, or in this process where there is none."""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from extproc.clients.metrics import Metrics
from extproc.flow.commands import Command, Keep, Rewrite
from extproc.policy.resources.owners import Ownership
from extproc.policy.resources.recall import Keeper
from extproc.policy.resources.shelf import Shelf
from extproc.settings import Settings
from extproc.stores.base import Conversations
from extproc.stores.memory import MemoryConversations, MemoryOwners
from extproc.stores.postgres.bills import PostgresBills
from extproc.stores.postgres.conversations import PostgresConversations
from extproc.stores.postgres.owners import PostgresOwners
from extproc.stores.postgres.pool import Database

DAY_SECONDS = 86_400.0

Performers = Mapping[type[Command], Callable[[Any], Awaitable[Any]]]


def conversations_of(database: Database | None) -> Conversations:
    return PostgresConversations(database) if database else MemoryConversations()


def shelf_of(database: Database | None) -> Shelf:
    if database is None:
        return Shelf(Ownership(MemoryOwners()), None)
    return Shelf(Ownership(PostgresOwners(database)), PostgresBills(database))


def performers(settings: Settings, conversations: Conversations, metrics: Metrics) -> Performers:
    """What the effects about remembered things do."""
    keeper = Keeper(
        conversations,
        settings.responses_retention_days * DAY_SECONDS,
        time.time,
        partial(metrics.count, "llm_extproc_responses_not_kept"),
    )

    async def keep(command: Keep) -> None:
        await keeper.keep(command.said)

    async def rewrite(command: Rewrite) -> bytes:
        assert command.passage.rewrite is not None
        return await command.passage.rewrite(command.data)

    return {Keep: keep, Rewrite: rewrite}
