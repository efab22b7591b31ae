"""The files of `envoy/`: configuration a person reads and may copy, generated from the builders.

`python -m extproc.envoyconfig.samples FOLDER` writes them.
"""

import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import betterproto2
import yaml
from envoy_data_plane.envoy.config.bootstrap.v3 import Bootstrap

from extproc.domain.deployment import Upstream
from extproc.domain.headers import CLUSTER
from extproc.envoyconfig import attempt, files, foreign
from extproc.envoyconfig.bootstrap import build
from extproc.envoyconfig.options import GatewayOptions

Yaml = dict[str, Any]

RUN = Path("/run/llm-extproc")
OPTIONS = GatewayOptions(
    host="0.0.0.0",
    port=4000,
    worker_sockets=(RUN / "worker-0.sock",),
    admin_socket=RUN / "admin.sock",
    agent_socket=RUN / "agent.sock",
    envoy_admin_socket=RUN / "envoy-admin.sock",
    clusters_file=RUN / "envoy/clusters/clusters.pb",
    ca_file="/etc/ssl/certs/ca-certificates.crt",
    unsent_log=RUN / "unsent.log",
)
TARGETS = (Upstream("https", "api.openai.com", 443),)

GATEWAY_HEAD = """\
    The standalone gateway: what `make run` starts Envoy with, for one worker under {run}.
    Listener `gateway` takes clients, sends LLM paths to the in-process listener `attempt`, and
    comes again whenever the answer carries x-gateway-retry. Listener `attempt` asks a worker
    (ext_proc) and sends the request to the cluster the worker has named in x-gateway-cluster.
    Providers' clusters are not here: Envoy watches {run}/envoy/clusters for them.
    """
EXISTING_HEAD = """\
    The gateway's parts in an Envoy that you run already. Copy into yours:
      - the two http_filters before envoy.filters.http.router, in this order;
      - the four routes of the virtual host `attempt`: two for WebSockets, with `upgrade_configs`,
        and two for all else; the second of each keeps unrouted requests in;
      - the clusters: `extproc` (the workers) and those of each provider's host, `_http1` for
        WebSockets;
      - per_connection_buffer_limit_bytes and request_body_buffer_limit: a request is buffered
        whole before a worker sees it, and Envoy's default of 1 MiB would answer 413.
    A cluster's name is what the worker sets in x-gateway-cluster: keep it as it is.
    There are no retries in this form.
    """
ISTIO_HEAD = """\
    The gateway's parts in an Istio ingress gateway whose pods mount {run} together with the
    workers (annotation sidecar.istio.io/userVolumeMount, or the gateway's own pod template).
    There are no retries in this form. Rendered from the builders; not run against Istio here.
    """
ENVOY_GATEWAY_HEAD = """\
    The worker attached to Envoy Gateway, whose proxy pods mount {run} (EnvoyProxy:
    spec.provider.kubernetes.envoyDeployment.pod.volumes). One HTTPRoute rule and one Backend for
    each provider's host; the header value is the cluster name that the worker sets.
    A ClientTrafficPolicy raises the buffer: requests are buffered whole.
    Needs a release whose extProc body mode knows FullDuplexStreamed and whose Backend API is
    enabled with Unix sockets. There are no retries in this form. Not run against it here.
    """


def samples() -> dict[str, str]:
    """File name -> text, the same every time."""
    return {
        "gateway.yaml": _text(GATEWAY_HEAD, _plain(build(OPTIONS))),
        "existing-envoy.yaml": _text(EXISTING_HEAD, _plain(foreign.example(TARGETS, OPTIONS))),
        "istio-envoyfilter.yaml": _text(ISTIO_HEAD, _istio()),
        "envoy-gateway-extensionpolicy.yaml": _text(ENVOY_GATEWAY_HEAD, *_envoy_gateway()),
    }


def main(folder: Path) -> None:
    for name, text in samples().items():
        files.replace(folder / name, text.encode())


def _istio() -> Yaml:
    manager = {"filter": {"name": "envoy.filters.network.http_connection_manager"}}
    router = {"filter": {**manager["filter"], "subFilter": {"name": "envoy.filters.http.router"}}}
    before_router = {"context": "GATEWAY", "listener": {"filterChain": router}}
    patches: list[Yaml] = [
        _patch("CLUSTER", {"context": "GATEWAY"}, "ADD", _plain(cluster))
        for cluster in foreign.clusters(TARGETS, OPTIONS)
    ]
    patches += [
        _patch("HTTP_FILTER", before_router, "INSERT_BEFORE", _plain(each))
        for each in foreign.filters()
    ]
    routed = _plain(attempt.routed(OPTIONS))
    limit = {"request_body_buffer_limit": OPTIONS.buffer_bytes}
    buffer = {"per_connection_buffer_limit_bytes": OPTIONS.buffer_bytes}
    patches += [
        _patch("HTTP_ROUTE", {"context": "GATEWAY"}, "INSERT_FIRST", routed),
        _patch("VIRTUAL_HOST", {"context": "GATEWAY"}, "MERGE", limit),
        _patch("LISTENER", {"context": "GATEWAY"}, "MERGE", buffer),
    ]
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "llm-extproc", "namespace": "istio-ingress"},
        "spec": {
            "workloadSelector": {"labels": {"istio": "ingress"}},
            "configPatches": patches,
        },
    }


def _patch(apply_to: str, match: Yaml, operation: str, value: Yaml) -> Yaml:
    patch = {"operation": operation, "value": value}
    return {"applyTo": apply_to, "match": match, "patch": patch}


def _envoy_gateway() -> list[Yaml]:
    workers = [{"unix": {"path": str(path)}} for path in OPTIONS.worker_sockets]
    policy = {
        "targetRefs": [_ref("gateway.networking.k8s.io", "Gateway", "llm")],
        "extProc": [
            {
                "backendRefs": [_ref("gateway.envoyproxy.io", "Backend", attempt.WORKERS)],
                "messageTimeout": f"{attempt.MESSAGE_SECONDS}s",
                "failOpen": False,
                "processingMode": {
                    "request": {"body": "Buffered"},
                    "response": {"body": "FullDuplexStreamed"},
                },
            }
        ],
    }
    limits = {
        "targetRefs": policy["targetRefs"],
        "connection": {"bufferLimit": OPTIONS.buffer_bytes},
    }
    return [
        _resource("Backend", attempt.WORKERS, {"endpoints": workers}),
        _resource("EnvoyExtensionPolicy", "llm-extproc", policy),
        _resource("ClientTrafficPolicy", "llm-extproc", limits),
        *(each for target in TARGETS for each in _target(target)),
    ]


def _target(target: Upstream) -> list[Yaml]:
    """A provider's host, and the rule that leads to it when a worker says so."""
    name = target.cluster.replace("_", "-")
    endpoint = {"fqdn": {"hostname": target.host, "port": target.port}}
    tls = {"wellKnownCACertificates": "System"}
    rule = {
        "matches": [{"headers": [{"name": CLUSTER, "value": target.cluster}]}],
        "filters": [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [CLUSTER]}},
            {"type": "URLRewrite", "urlRewrite": {"hostname": target.host}},
        ],
        "backendRefs": [_ref("gateway.envoyproxy.io", "Backend", name)],
        "timeouts": {"request": "0s"},
    }
    route: Yaml = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {"parentRefs": [{"name": "llm"}], "rules": [rule]},
    }
    return [_resource("Backend", name, {"endpoints": [endpoint], "tls": tls}), route]


def _ref(group: str, kind: str, name: str) -> Yaml:
    return {"group": group, "kind": kind, "name": name}


def _resource(kind: str, name: str, spec: Yaml) -> Yaml:
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def _plain(message: Bootstrap | betterproto2.Message) -> Yaml:
    return message.to_dict(casing=betterproto2.Casing.SNAKE)


def _text(head: str, *documents: Yaml) -> str:
    lines = dedent(head).format(run=RUN).splitlines()
    note = "Generated by `python -m extproc.envoyconfig.samples envoy`; do not edit."
    comment = "".join(f"# {line}\n" for line in (*lines, note))
    return comment + yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=100)


class _Dumper(yaml.SafeDumper):
    """Writes a repeated value out again: people do not read anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


if __name__ == "__main__":
    main(Path(sys.argv[1]))
