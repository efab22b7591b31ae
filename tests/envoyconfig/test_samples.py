"""The files people copy are what the builders give, and Envoy accepts them."""

from pathlib import Path

import certifi
import pytest
import yaml

from extproc.envoyconfig.samples import OPTIONS, RUN, main, samples
from tests.envoyconfig.test_bootstrap import validate

FOLDER = Path(__file__).parents[2] / "envoy"
SAMPLES = samples()


def test_the_folder_holds_what_the_builders_give() -> None:
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == SAMPLES


def test_main_writes_them(tmp_path: Path) -> None:
    main(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == SAMPLES


@pytest.mark.parametrize("name", ["gateway.yaml", "existing-envoy.yaml"])
def test_envoy_accepts_them(tmp_path: Path, name: str) -> None:
    text = SAMPLES[name].replace(str(RUN), str(tmp_path))
    text = text.replace(OPTIONS.ca_file, certifi.where())
    (tmp_path / "envoy" / "clusters").mkdir(parents=True)
    (tmp_path / "envoy" / "clusters" / "clusters.pb").touch()
    path = tmp_path / name
    path.write_text(text)
    validate(path)


@pytest.mark.parametrize("name", SAMPLES)
def test_each_is_yaml_with_a_head_for_people(name: str) -> None:
    text = SAMPLES[name]
    assert text.startswith("# ")
    assert all(isinstance(each, dict) for each in yaml.safe_load_all(text))
