"""Who may call a management route: the master key everything, a virtual key what is its own."""

from typing import Annotated

from fastapi import Depends, Request

from extproc.admin.services import AdminServices, Services
from extproc.domain.call import Call
from extproc.domain.key import Key
from extproc.errors import AuthError
from extproc.policy.identify import Authenticate


async def authenticate(request: Request, services: Services) -> Key:
    """The calling key, found and checked as on the data path. Raises AuthError and its kind."""
    stage = Authenticate(services.keys, services.master_key_hash, services.now)
    key = (await stage(_call(request, services))).key
    assert key is not None
    return key


def _call(request: Request, services: AdminServices) -> Call:
    return Call(
        id="",
        endpoint="chat",
        path=request.url.path,
        headers=request.headers,
        snapshot=services.snapshot(),
        received_at=services.now(),
    )


Caller = Annotated[Key, Depends(authenticate)]


async def only_admin(request: Request, caller: Caller) -> None:
    """Refuses every key but the master key."""
    if not caller.is_master:
        raise AuthError(
            "Authentication Error, Only proxy admin can be used to generate, delete, update info "
            f"for new keys/users/teams. Route={request.url.path}. Your role=unknown. "
            f"Your user_id={caller.user_id or 'unknown'}"
        )
