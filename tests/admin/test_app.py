"""Who may call what: every route of the router against every kind of caller."""

from dataclasses import replace

import pytest
from starlette.routing import Route

from extproc.admin.app import Access
from extproc.admin.services import AdminServices
from tests.admin.fakes import MASTER, SECRETS, Admin, four_keys

DOCS = ("/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc")
EXPECTED = {
    ("POST", "/key/generate"): Access.ADMIN,
    ("POST", "/key/update"): Access.ADMIN,
    ("POST", "/key/delete"): Access.ADMIN,
    ("POST", "/key/block"): Access.ADMIN,
    ("POST", "/key/unblock"): Access.ADMIN,
    ("GET", "/key/list"): Access.ADMIN,
    ("GET", "/key/info"): Access.ANY_KEY,
    ("POST", "/key/health"): Access.ANY_KEY,
    ("GET", "/spend/logs"): Access.ANY_KEY,
    ("GET", "/routes"): Access.PUBLIC,
    ("GET", "/"): Access.PUBLIC,
    **{("GET", path): Access.PUBLIC for path in DOCS},
}
MAY_PASS = {
    Access.PUBLIC: {"nobody", "unknown", "virtual", "blocked", "expired", "master"},
    Access.ANY_KEY: {"virtual", "master"},
    Access.ADMIN: {"master"},
}
CALLERS = {
    "nobody": None,
    "unknown": "sk-nobody-knows-this-key",
    "virtual": SECRETS["virtual"],
    "blocked": SECRETS["blocked"],
    "expired": SECRETS["expired"],
    "master": MASTER,
}
ROUTES = [
    (method, route.path)
    for route in Admin().app.routes
    if isinstance(route, Route)
    for method in sorted((route.methods or set()) - {"HEAD"})
]


def test_every_route_has_its_rule_here() -> None:
    assert set(ROUTES) == set(EXPECTED)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_only_those_who_may_pass(method: str, path: str, caller: str) -> None:
    body = {"json": {}} if method == "POST" else {}
    answer = await four_keys().ask(method, path, CALLERS[caller], **body)
    if caller in MAY_PASS[EXPECTED[method, path]]:
        assert answer.status_code not in (401, 403) and answer.status_code < 500
    else:
        assert answer.status_code == 401
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


async def test_a_refused_key_learns_nothing_from_its_body() -> None:
    """The key is judged before the schema."""
    answer = await four_keys().post("/key/generate", {"models": 7}, SECRETS["virtual"])
    assert answer.json()["error"]["message"] == (
        "Authentication Error, Only proxy admin can be used to generate, delete, update info for "
        "new keys/users/teams. Route=/key/generate. Your role=unknown. Your user_id=ada"
    )


async def test_routes_lists_what_is_served() -> None:
    listed = (await Admin().get("/routes", None)).json()["routes"]
    assert {
        "path": "/key/info",
        "methods": ["GET"],
        "name": "info",
        "endpoint": "info",
    } in listed


async def test_the_openapi_document_names_the_fields_of_a_key() -> None:
    document = (await Admin().get("/openapi.json", None)).json()
    assert "max_budget" in document["components"]["schemas"]["GenerateKey"]["properties"]


async def test_without_a_database_keys_and_spend_say_so() -> None:
    admin = Admin()
    admin.app.state.services = _without_database(admin)
    for method, path in (("POST", "/key/generate"), ("GET", "/key/list"), ("GET", "/spend/logs")):
        answer = await admin.ask(method, path, json={})
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (500, "no_db_connection")
        assert error["message"].startswith("DB not connected")
    answer = await admin.get("/key/info", SECRETS["virtual"])
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "No connected db."


def _without_database(admin: Admin) -> AdminServices:
    return replace(admin.app.state.services, registry=None, ledger=None, keys=None)
