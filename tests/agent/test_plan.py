"""What a gateway consists of follows from the settings."""

from pathlib import Path

import pytest

from extproc.agent import plan
from extproc.settings import Layout, SettingError, Settings


def made(tmp_path: Path, *, whole: bool = True, **environ: str) -> plan.Plan:
    layout = Layout(tmp_path, tmp_path)
    return plan.make(Settings.load(environ), environ, layout, whole=whole)


def test_nothing_given_means_everything_embedded_and_a_simulated_provider(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert found.postgres
    assert found.valkey
    assert found.settings.demo_url == f"http://127.0.0.1:{found.demo_port}/v1"
    assert "demo" in found.loaded.snapshot.groups
    children = Settings.load(found.env)
    assert children == found.settings
    assert children.litellm_master_key == (tmp_path / "master_key").read_text().strip()


def test_a_providers_key_means_that_provider(tmp_path: Path) -> None:
    found = made(tmp_path, OPENAI_API_KEY="sk-provider")
    assert found.demo_port == 0
    assert list(found.loaded.snapshot.groups) == ["openai/*"]


def test_addresses_given_mean_nothing_embedded(tmp_path: Path) -> None:
    found = made(tmp_path, DATABASE_URL="postgresql://there", REDIS_HOST="there")
    assert not found.postgres
    assert not found.valkey
    assert found.database_url == "postgresql://there"


def test_none_means_none(tmp_path: Path) -> None:
    found = made(tmp_path, DATABASE_URL="none", REDIS_URL="none")
    assert (found.postgres, found.valkey, found.database_url) == (False, False, None)


def test_the_configs_environment_reaches_the_children_unless_they_have_it(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("environment_variables: {ONE: config, TWO: config}\nmodel_list: []\n")
    found = made(tmp_path, CONFIG=str(config), TWO="environment")
    assert (found.env["ONE"], found.env["TWO"]) == ("config", "environment")


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({"DATABASE_URL": "none"}, "LITELLM_MASTER_KEY"),
        ({"LITELLM_MASTER_KEY": "sk-1"}, "DATABASE_URL"),
    ],
)
def test_a_part_must_be_told_what_the_others_are_told(
    tmp_path: Path, environ: dict[str, str], missing: str
) -> None:
    with pytest.raises(SettingError, match=f"^{missing}: "):
        made(tmp_path, whole=False, **environ)


def test_a_part_embeds_nothing(tmp_path: Path) -> None:
    found = made(tmp_path, whole=False, LITELLM_MASTER_KEY="sk-1", DATABASE_URL="postgresql://x")
    assert (found.postgres, found.valkey, found.demo_port) == (False, False, 0)
    assert found.settings.redis_address == "none"


def test_the_environment_of_the_children_is_not_shown(tmp_path: Path) -> None:
    assert "sk-master" not in repr(made(tmp_path, LITELLM_MASTER_KEY="sk-master"))
