"""Responses that the gateway itself remembers, as OpenAI's API shows them.

https://platform.openai.com/docs/api-reference/responses/get
"""

from collections.abc import Sequence
from urllib.parse import parse_qs

from extproc.domain.call import Json
from extproc.domain.conversation import Remembered
from extproc.domain.numbers import whole_number
from extproc.errors import InvalidRequest

USUAL_LIMIT, HIGHEST_LIMIT = 20, 100


def deleted(said: Remembered) -> Json:
    return {"id": said.id, "object": "response", "deleted": True}


def not_cancelled(said: Remembered) -> InvalidRequest:
    """Nothing that is remembered here is still at work."""
    return InvalidRequest(
        f"Cannot cancel the response '{said.id}': only responses made with background=true can be "
        "cancelled.",
        param="response_id",
    )


def response(said: Remembered, query: str) -> Json:
    if parse_qs(query).get("stream", [""])[0].lower() == "true":
        raise InvalidRequest(
            "Only responses made with background=true can be streamed again.", param="stream"
        )
    return said.response or {}


def input_items(said: Remembered, query: str) -> Json:
    """A page of what was asked, newest first unless said otherwise."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    answered = len((said.response or {}).get("output", ()))
    items = [_shown(item) for item in said.items[: len(said.items) - answered]]
    if asked.get("order", "desc") != "asc":
        items.reverse()
    page = _after(items, asked.get("after", ""))
    limit = _limit(asked.get("limit", ""))
    return {
        "object": "list",
        "data": page[:limit],
        "first_id": page[0]["id"] if page else None,
        "last_id": page[:limit][-1]["id"] if page else None,
        "has_more": len(page) > limit,
    }


def _shown(item: Json) -> Json:
    """As OpenAI lists it: a message says that it is one, and its content is a list."""
    if "role" not in item:
        return item
    content = item.get("content")
    if isinstance(content, str):
        content = [{"type": "input_text", "text": content}]
    return {"type": "message", **item, "content": content}


def _after(items: Sequence[Json], item_id: str) -> Sequence[Json]:
    if not item_id:
        return items
    for place, item in enumerate(items):
        if item.get("id") == item_id:
            return items[place + 1 :]
    raise InvalidRequest(f"No item with id '{item_id}'.", param="after")


def _limit(given: str) -> int:
    if not given:
        return USUAL_LIMIT
    limit = whole_number(given)
    if limit is None or not 1 <= limit <= HIGHEST_LIMIT:
        raise InvalidRequest(f"'limit' must be a number from 1 to {HIGHEST_LIMIT}.", param="limit")
    return limit
