"""The list of virtual keys, newest first, a page at a time."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from extproc.admin.keyrows import row
from extproc.admin.replies import Reply
from extproc.admin.schemas import Text
from extproc.admin.services import Registry
from extproc.errors import NotImplementedYet

FILTERS = ("user_id", "team_id", "organization_id", "key_hash", "key_alias")


class ListKeys(BaseModel):
    """The query of GET /key/list."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    size: Annotated[int, Field(ge=1, le=100)] = 10
    return_full_object: bool = False
    user_id: Text | None = None
    team_id: Text | None = None
    organization_id: Text | None = None
    key_hash: Text | None = None
    key_alias: Text | None = None


class AnyFilter(ListKeys):
    """LiteLLM's other filters: refused, since a list without them would be a wrong one."""

    project_id: str | None = None
    agent_id: str | None = None
    access_group_id: str | None = None
    search: str | None = None
    status: str | None = None
    expires: str | None = None
    expand: str | None = None
    substring_matching: bool | None = None
    sort_by: str | None = None
    sort_order: str | None = None


UNSERVED = AnyFilter.model_fields.keys() - ListKeys.model_fields.keys()


async def list_keys(asked: Annotated[AnyFilter, Query()], registry: Registry) -> Reply:
    for name in sorted(UNSERVED):
        if getattr(asked, name):
            raise NotImplementedYet(f"/key/list with {name} is not implemented yet.", param=name)
    filters = {name: value for name in FILTERS if (value := getattr(asked, name))}
    found = await registry.page(filters, (asked.page - 1) * asked.size, asked.size)
    return Reply(
        {
            "keys": [row(key) if asked.return_full_object else key.hash for key in found.keys],
            "total_count": found.total,
            "current_page": asked.page,
            "total_pages": -(-found.total // asked.size),
        }
    )
