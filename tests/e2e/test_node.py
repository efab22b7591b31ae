"""The official openai SDK of Node against a provider that does not speak OpenAI's format.

It is installed once, into the user's cache; without node, or where its package index cannot be
reached, there is nothing to test with.
"""

import json
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.e2e.books import Books
from tests.e2e.clients import TWELVE
from tests.e2e.gateway import Gateway

HERE = Path(__file__).parent / "node"
INSTALL_SECONDS, RUN_SECONDS = 90, 60
COMMAND = ("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1")
CALLED = [{"name": "weather", "arguments": '{"city":"one"}'}]


@pytest.fixture(scope="module")
def installed() -> Path:
    """A folder in which node finds the SDK."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    wanted = (HERE / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "llm-extproc" / f"node-{sha256(wanted).hexdigest()[:12]}"
    if not folder.is_dir():
        _install(wanted, folder)
    return folder


def _install(wanted: bytes, folder: Path) -> None:
    """Beside its place, then moved there whole: another run may be doing the same."""
    beside = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        beside.mkdir(parents=True)
    except OSError as error:
        pytest.skip(f"there is no place to keep Node's SDK: {error}")
    try:
        (beside / "package.json").write_bytes(wanted)
        done = subprocess.run(
            COMMAND, cwd=beside, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
        if done.returncode != 0:
            pytest.skip(f"npm cannot install Node's SDK: {done.stderr.strip()[-300:]}")
        if not folder.is_dir():
            beside.rename(folder)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm does not answer within {INSTALL_SECONDS} s")
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def test_nodes_sdk_on_gemini(gateway: Gateway, books: Books, installed: Path) -> None:
    run = "node"
    billed = {name: f"{run}-{name}" for name in ("chat", "stream", "tools", "call", "responses")}
    books.runs += billed.values()
    script = (str(HERE / "asks.mjs"), f"{gateway.url}/v1", books.key, "gemini", run)
    done = subprocess.run(
        ["node", *script], cwd=installed, capture_output=True, text=True, timeout=RUN_SECONDS
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    counted = {"text": TWELVE, "usage": 16}
    assert [told[name] for name in ("chat", "stream", "responses")] == [counted] * 3
    assert (told["tools"], told["call"]) == (CALLED, CALLED)
    assert told["errors"] == {
        "400": {"class": "BadRequestError", "status": 400},
        "401": {"class": "AuthenticationError", "status": 401},
        "404": {"class": "NotFoundError", "status": 404},
        "429": {"class": "RateLimitError", "status": 429},
        "500": {"class": "InternalServerError", "status": 500},
        "cut": "TypeError",
        "short": "APIError",
        "failing": "APIError",
    }
    for name, call_id in billed.items():
        call_type = "aresponses" if name == "responses" else "acompletion"
        books.billed(call_id, "gemini", call_type, (4, 6 if name in ("tools", "call") else 12))
