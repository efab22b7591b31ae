"""Simulated providers for the gateway under test, and the configuration that points to them."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import httpx

from tests.e2e import providers
from tests.e2e.gateway import clean_environment, free_port

PROVIDER_KEY = "sk-provider-canary-77aa"
INPUT_PRICE, OUTPUT_PRICE = providers.INPUT_PRICE, providers.OUTPUT_PRICE
AWS = (providers.AWS_KEY_ID, providers.AWS_SECRET)
_SERVE = (
    "import sys;"
    "from extproc.demo.server import serve;"
    "from extproc.demo.voices import chosen;"
    "serve('127.0.0.1', {port}, lambda port: print(port, flush=True), chosen('', *sys.argv[1:]))"
)


class Upstream:
    """A demo provider in a process of its own, which verifies AWS signatures."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.port = 0
        self.url = ""
        self.http = httpx.Client(timeout=30)

    def start(self) -> "Upstream":
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVE.format(port=self.port), *AWS],
            env=clean_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def stop(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()
        self.http.close()

    def seen(self, run: str) -> list[dict[str, Any]]:
        """The requests of a run, oldest first."""
        answer = self.http.get(f"{self.url}/_demo/requests", params={"run": run})
        rows: list[dict[str, Any]] = answer.json()["requests"]
        return rows

    def seen_all(self) -> dict[str, Any]:
        """`count` of all requests ever, and the last ones."""
        result: dict[str, Any] = self.http.get(f"{self.url}/_demo/requests").json()
        return result


def deployment(group: str, base: str, **params: Any) -> dict[str, Any]:
    """One row of model_list, priced so that a word costs 2,000 nano-USD."""
    model_info = {"id": f"{group}-{base.rstrip('/').split('/')[-2]}"}
    return {
        "model_name": group,
        "litellm_params": {
            "model": "openai/demo",
            "api_base": base,
            "api_key": PROVIDER_KEY,
            "input_cost_per_token": INPUT_PRICE,
            "output_cost_per_token": OUTPUT_PRICE,
            **params,
        },
        "model_info": model_info,
    }


def config(upstream: Upstream, **sections: Mapping[str, Any]) -> dict[str, Any]:
    """Groups for the tests; orders in a request tell deployments apart by their path segment.

    pair: a, then b · solo: a alone · trio: a, b, c · refused: a dead port, then b
    hasty: a with two seconds of patience, then b · unpriced: a model nobody has a price for
    and those of tests.e2e.providers
    """
    url = upstream.url
    dead = f"http://127.0.0.1:{free_port()}/dead/v1"
    rows = [
        deployment("pair", f"{url}/a/v1", order=1),
        deployment("pair", f"{url}/b/v1", order=2),
        deployment("solo", f"{url}/a/v1"),
        *(deployment("trio", f"{url}/{x}/v1", order=n) for n, x in enumerate("abc", start=1)),
        deployment("refused", dead, order=1),
        deployment("refused", f"{url}/b/v1", order=2),
        deployment("hasty", f"{url}/a/v1", order=1, timeout=2, stream_timeout=2),
        deployment("hasty", f"{url}/b/v1", order=2),
        {
            "model_name": "unpriced",
            "litellm_params": {
                "model": "openai/nobody-sells-this",
                "api_base": f"{url}/a/v1",
                "api_key": PROVIDER_KEY,
            },
        },
        *providers.rows(url),
    ]
    base: dict[str, Any] = {"model_list": rows, "router_settings": {"num_retries": 2}}
    return {**base, **{name: dict(section) for name, section in sections.items()}}
