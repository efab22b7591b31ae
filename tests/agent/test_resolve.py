"""The environment wins over the config, the config over what DATA_DIR keeps."""

from pathlib import Path

from extproc.agent.resolve import as_environment, complete, kept_master_key, merged
from extproc.config import General
from extproc.settings import Settings

CONFIGURED = General(
    master_key="sk-config",
    database_url="postgresql://config",
    redis_host="config",
    redis_port=7000,
    redis_password="p",
)


def test_the_config_fills_what_the_environment_leaves_open() -> None:
    settings = merged(Settings(), CONFIGURED)
    assert settings.litellm_master_key == "sk-config"
    assert settings.database_url == "postgresql://config"
    assert settings.redis_address == "redis://:p@config:7000/0"
    assert complete(settings)


def test_the_environment_wins() -> None:
    environ = {
        "LITELLM_MASTER_KEY": "sk-env",
        "DATABASE_URL": "none",
        "REDIS_HOST": "env",
    }
    settings = merged(Settings.load(environ), CONFIGURED)
    assert settings.litellm_master_key == "sk-env"
    assert settings.database_url == "none"
    assert settings.redis_address == "redis://env:6379/0"


def test_the_generated_key_is_kept_and_private(tmp_path: Path) -> None:
    path = tmp_path / "master_key"
    key = kept_master_key(path)
    assert key.startswith("sk-")
    assert len(key) > 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert kept_master_key(path) == key


def test_settings_survive_the_way_through_an_environment(tmp_path: Path) -> None:
    settings = Settings(
        run_dir=tmp_path, json_logs=True, drain_seconds=2.5, https_proxy="http://proxy:3128"
    )
    environ = as_environment(settings, {"OPENAI_API_KEY": "k", "PORT": "1"})
    assert Settings.load(environ) == settings
    assert environ["OPENAI_API_KEY"] == "k"
    assert "CONFIG" not in environ
