from pathlib import Path

import pytest
import yaml

from extproc.config.documentkeys import DOCUMENT
from extproc.config.environkeys import READ, TELLING, UNUSED
from extproc.config.kinds import KINDS
from extproc.config.modelkeys import GENERATION, LITELLM_PARAMS, MODEL_INFO, PRICES
from extproc.config.rows import Key, Table
from extproc.config.settingkeys import (
    CACHE_PARAMS,
    GENERAL_SETTINGS,
    LITELLM_SETTINGS,
    ROUTER_SETTINGS,
)

NAMES = {
    section: names.split()
    for section, names in yaml.safe_load((Path(__file__).parent / "names.yaml").read_text()).items()
}
TABLES: dict[str, Table] = {
    "litellm_settings": LITELLM_SETTINGS,
    "general_settings": GENERAL_SETTINGS,
    "router_settings": ROUTER_SETTINGS,
    "cache_params": CACHE_PARAMS,
    "litellm_params": LITELLM_PARAMS,
    "model_info": MODEL_INFO,
}


def every_key(table: Table) -> list[Key]:
    found = list(table.values())
    for key in table.values():
        found += every_key(key.members) if key.members else []
    return found


@pytest.mark.parametrize(
    ("section", "name"), [(s, n) for s in TABLES for n in NAMES[s]], ids=lambda value: str(value)
)
def test_every_key_of_the_reference_is_recognised(section: str, name: str) -> None:
    assert name in TABLES[section]


def test_every_environment_variable_of_the_reference_is_recognised() -> None:
    assert len(NAMES["environment"]) == 214
    assert set(NAMES["environment"]) <= set(READ) | UNUSED
    assert not set(READ) & UNUSED
    assert TELLING < UNUSED


def test_every_section_is_recognised() -> None:
    assert {
        "model_list",
        "litellm_settings",
        "general_settings",
        "router_settings",
        "environment_variables",
        "callback_settings",
        "guardrails",
        "credential_list",
        "include",
    } <= DOCUMENT.keys()


def test_every_kind_exists() -> None:
    kinds = {kind for key in every_key(DOCUMENT) for kind in key.kind.split(" or ")}
    assert kinds <= KINDS.keys()


def test_what_is_compiled_is_said_to_have_an_effect() -> None:
    assert all(LITELLM_PARAMS[name].effect for name in [*GENERATION, *PRICES])
    assert all(MODEL_INFO[name].effect for name in PRICES)
