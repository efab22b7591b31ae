"""The environment becomes settings, or one line of advice."""

from pathlib import Path

import pytest

from extproc.settings import SettingError, Settings

URL = "postgresql://u:p%40w@h:5432/db"


def test_empty_variables_count_as_unset() -> None:
    settings = Settings.load({"PORT": "", "WORKERS": "2", "CONFIG": "a.yaml", "unknown": "x"})
    assert (settings.port, settings.workers, settings.config) == (4000, 2, Path("a.yaml"))


@pytest.mark.parametrize("environ", [{"PORT": "http"}, {"PORT": "70000"}, {"WORKERS": "0"}])
def test_wrong_value_is_one_line_that_names_the_variable(environ: dict[str, str]) -> None:
    (name,) = environ
    with pytest.raises(SettingError, match=f"^{name}: .*{environ[name]}") as refused:
        Settings.load(environ)
    assert "\n" not in str(refused.value)


def test_redis_address_is_made_of_its_parts() -> None:
    parts = {"REDIS_HOST": "r", "REDIS_PORT": "6380", "REDIS_PASSWORD": "s"}
    assert Settings.load(parts).redis_address == "redis://:s@r:6380/0"
    assert Settings.load({**parts, "REDIS_URL": "redis://x"}).redis_address == "redis://x"


def test_health_port_stays_beside_the_port() -> None:
    assert Settings.load({}).grpc_health_port == 14000
    assert Settings.load({"PORT": "60000"}).grpc_health_port == 50000
    assert Settings.load({"HEALTH_PORT": "7"}).grpc_health_port == 7


def test_secrets_do_not_show() -> None:
    secret = "do-not-show"
    settings = Settings.load(
        {
            "LITELLM_MASTER_KEY": secret,
            "DATABASE_URL": f"postgresql://u:{secret}@h/d",
            "REDIS_PASSWORD": secret,
        }
    )
    assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (URL, URL),
        ("none", "none"),
        (f"{URL}?connection_limit=10&pool_timeout=5&sslmode=require", f"{URL}?sslmode=require"),
        (f"{URL}?schema=public", URL),
        ("postgresql:///db?host=%2Frun%2Fpg", "postgresql:///db?host=%2Frun%2Fpg"),
    ],
)
def test_parameters_of_other_clients_are_left_out_of_the_database_url(url: str, kept: str) -> None:
    assert Settings.load({"DATABASE_URL": url}).database_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:hidden@h/x",
        "mysql://u:hidden@h/x",
        '"postgresql://u:hidden@h/x"',
        "postgresql://u:hid/den@h/x",
        "postgresql://u:hid%zen@h/x",
        "postgresql://u:hid#den@h/x",
        "postgresql://u:hid den@h/x",
        "postgresql://u:hidden@[h/x",
        "host=h password=hidden",
    ],
)
def test_a_database_url_of_another_form_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.load({"DATABASE_URL": url})
    assert str(caught.value).startswith("DATABASE_URL: expected postgresql://user:password@host")
    assert "hid" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:p%2F@h:5432/d",
        "postgresql://u:p@a:1,b:2/d?target_session_attrs=read-write",
        "postgresql://u@[::1]:5432/d",
        "postgresql://localhost",
    ],
)
def test_every_form_that_postgres_takes_is_taken(url: str) -> None:
    assert Settings.load({"DATABASE_URL": url}).database_url == url


def test_a_redis_url_of_another_form_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingError) as caught:
        Settings.load({"REDIS_URL": "http://u:hidden@h"})
    assert "REDIS_URL: expected redis://" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_the_log_level_is_one_that_there_is() -> None:
    assert Settings.load({"LOG_LEVEL": "debug"}).log_level == "DEBUG"
    with pytest.raises(SettingError, match="LOG_LEVEL: expected one of DEBUG, INFO"):
        Settings.load({"LOG_LEVEL": "loud"})
