"""What was spent: ledger rows by key, request, user and dates, or their sums by day."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from extproc.admin.auth import Caller
from extproc.admin.replies import Reply
from extproc.admin.schemas import Text
from extproc.admin.services import Spend
from extproc.admin.spendrows import by_day, row
from extproc.domain.key import Key, hash_key
from extproc.errors import BadRequest, Forbidden
from extproc.stores.base import SpendQuery

MOST_ROWS = 10_000
MOST_SUMMED = 50_000
"""A summary of more would be read into memory whole, so it is refused rather than cut short."""

DATE_FORMATS = {"%Y-%m-%d": timedelta(days=1), "%Y-%m-%d %H:%M:%S": timedelta(seconds=1)}
"""How a date may be written, and how much time it names."""


class SpendLogs(BaseModel):
    """The query of GET /spend/logs. Both dates are inclusive, in UTC."""

    api_key: Text | None = None
    request_id: Text | None = None
    user_id: Text | None = None
    start_date: Text | None = None
    end_date: Text | None = None
    summarize: bool = True


async def logs(asked: Annotated[SpendLogs, Query()], caller: Caller, spend: Spend) -> Reply:
    """With both dates the sums by day, unless `summarize=false`; else rows, newest first."""
    summed = bool(asked.summarize and asked.start_date and asked.end_date)
    query = SpendQuery(
        key_hash=_key_hash(asked.api_key, caller),
        request_id=asked.request_id or None,
        user_id=asked.user_id or None,
        start_at=_period(asked.start_date, "start_date")[0],
        end_at=_period(asked.end_date, "end_date")[1],
        limit=MOST_SUMMED + 1 if summed else MOST_ROWS,
    )
    rows = await spend.rows(query)
    if not summed:
        return Reply([row(spent) for spent in rows])
    if len(rows) > MOST_SUMMED:
        raise BadRequest(
            f"More than {MOST_SUMMED} rows lie between these dates: ask for fewer days.",
            param="end_date",
        )
    return Reply(by_day(rows))


def _key_hash(asked: str | None, caller: Key) -> str | None:
    """Whose rows: a virtual key sees its own alone."""
    wanted = hash_key(asked) if asked else None
    if caller.is_master:
        return wanted
    if wanted not in (None, caller.hash):
        raise Forbidden("You are not allowed to see this key's spend.")
    return caller.hash


def _period(text: str | None, param: str) -> tuple[float, float] | tuple[None, None]:
    """The first moment that the date names and the first after it, in epoch seconds."""
    if not text:
        return None, None
    for written, length in DATE_FORMATS.items():
        try:
            start = datetime.strptime(text, written).replace(tzinfo=UTC)
            return start.timestamp(), (start + length).timestamp()
        except (ValueError, OverflowError):
            continue
    raise BadRequest(f"{param} is a date, YYYY-MM-DD, or a time, YYYY-MM-DD HH:MM:SS.", param=param)
