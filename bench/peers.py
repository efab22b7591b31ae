"""The other gateways, installed from their registries into bench/.cache and started as documented.

LiteLLM: https://docs.litellm.ai/docs/proxy/configs     one worker, no database, master key
Portkey: https://github.com/Portkey-AI/gateway          Node, provider and host in headers
"""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench.contenders import MASTER_KEY, Contender, ask
from bench.load import CACHE, INSTALL_SECONDS, CannotRun, npm_install, output
from bench.origin import MODEL
from bench.processes import free_port, running, wait_ready

LITELLM, PORTKEY = "litellm", "portkey"
LITELLM_PACKAGE = "litellm[proxy]==1.106.2"
PORTKEY_PACKAGE = "@portkey-ai/gateway@1.15.2"
PORTKEY_OVERRIDES = {"@hono/node-server": "1.13.8"}
"""Its streams fail with newer ones: https://github.com/Portkey-AI/gateway/issues/1389"""


@contextmanager
def litellm(folder: Path, upstream: Contender) -> Iterator[Contender]:
    program = _litellm_program()
    config, log = folder / "litellm.yaml", folder / "litellm.log"
    params = {
        "model": f"openai/{MODEL}",
        "api_base": f"{upstream.base}/v1",
        "api_key": "sk-bench-upstream",
    }
    settings = {
        "model_list": [{"model_name": MODEL, "litellm_params": params}],
        "general_settings": {"master_key": MASTER_KEY},
    }
    config.write_text(yaml.safe_dump(settings))
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    argv = [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    # Without the first it fetches its price list from the network.
    environ = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    started = time.monotonic()
    with running([*argv, "--num_workers", "1"], log, environ) as process:
        wait_ready(process, f"{base}/health/liveliness", log)
        ready = time.monotonic() - started
        headers = {"authorization": f"Bearer {MASTER_KEY}"}
        contender = Contender(LITELLM, base, [process.pid], headers, ready)
        ask(contender)
        yield contender


def _litellm_program() -> Path:
    venv = CACHE / LITELLM_PACKAGE.replace("[proxy]==", "-")
    if not (venv / "done").exists():
        output([sys.executable, "-m", "venv", "--clear", str(venv)], INSTALL_SECONDS)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q"]
        output([*pip, LITELLM_PACKAGE], INSTALL_SECONDS)
        (venv / "done").touch()
    return venv / "bin" / "litellm"


@contextmanager
def portkey(folder: Path, upstream: Contender) -> Iterator[Contender]:
    """It listens on every interface and cannot be told otherwise; it has no auth of its own."""
    modules = npm_install(PORTKEY_PACKAGE, PORTKEY_OVERRIDES)
    node = shutil.which("node")
    if node is None:
        raise CannotRun("node is not on PATH: install Node.js for Portkey's gateway")
    log, port = folder / "portkey.log", free_port()
    script = modules / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    base = f"http://127.0.0.1:{port}"
    headers = {
        "authorization": "Bearer sk-bench-upstream",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"{upstream.base}/v1",
    }
    environ = {"NODE_ENV": "production"}
    started = time.monotonic()
    argv = [node, str(script), f"--port={port}", "--headless"]
    with running(argv, log, environ) as process:
        wait_ready(process, base, log)
        ready = time.monotonic() - started
        contender = Contender(PORTKEY, base, [process.pid], headers, ready)
        ask(contender)
        yield contender
