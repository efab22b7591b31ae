"""Conversations that the gateway remembers for providers without a memory.

request with previous_response_id ──continued──► the same with all that was said before
request and its answer            ──remembered─► what to store under the answer's id
"""

from collections.abc import Sequence

from extproc.domain.call import Json
from extproc.providers.answers import objects, record, text
from extproc.providers.responses import ids


def continued(body: Json, stored: Sequence[Json]) -> Json:
    """The body with the stored items before its own, and without `previous_response_id`.

    Instructions of earlier responses are not among the items: they do not carry over.
    """
    rest = {name: value for name, value in body.items() if name != "previous_response_id"}
    return {**rest, "input": [*stored, *given(body)]}


def remembered(body: Json, answer: Json) -> list[Json]:
    """The items of the request's input, then those of the answer's output, each with an id.

    Of a continued body they are the whole conversation; of one as the client sent it, its last
    turn.
    """
    stem = text(answer.get("id")).removeprefix(ids.PREFIX)
    asked = [
        item if isinstance(item.get("id"), str) else {**item, "id": f"item_{stem}_{place}"}
        for place, item in enumerate(given(body))
    ]
    return [*asked, *objects(answer.get("output"))]


def linked(shown: Json, previous_response_id: str) -> Json:
    """A Response, or an event that holds one, naming the response that it continues."""
    link = {"previous_response_id": previous_response_id}
    if "response" in shown:
        return {**shown, "response": {**record(shown["response"]), **link}}
    return {**shown, **link} if shown.get("object") == "response" else shown


def given(body: Json) -> list[Json]:
    """The input as items: a string is one user message."""
    asked = body.get("input")
    if not isinstance(asked, str):
        return objects(asked)
    content = [{"type": "input_text", "text": asked}]
    return [{"type": "message", "role": "user", "content": content}]
