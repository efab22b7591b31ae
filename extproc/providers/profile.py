"""How one provider is reached and what it is told: a row's form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Profile:
    """One provider."""

    name: str
    base_url: str
    """Empty where only the operator knows it; `{option}` stands for a deployment's option."""
    key_env: tuple[str, ...]
    base_env: tuple[str, ...]
    schema: str = "openai_chat"
    """The wire format: OpenAI's without its Responses API, unless said otherwise."""
    schemas: tuple[tuple[str, str], ...] = ()
    """(how a model's name begins, the format of such models), where one provider speaks several.
    A beginning that ends with a slash is LiteLLM's, and no part of the model's name."""
    auth: str = "bearer"
    """How it wants its credential."""
    own_root: bool = False
    """Whether an `api_base` that is only a host gets the path of `base_url`."""
    trims: tuple[str, ...] = ()
    """Ends of an `api_base` that the format adds itself."""
    keyless: bool = False
    """Whether it answers without a key in `api_key`."""
    rename: Mapping[str, str] = field(default_factory=dict)
    """OpenAI's parameter -> the provider's."""
    lacks: frozenset[str] = frozenset()
    """OpenAI parameters that it refuses."""
    thoughts: str = "reasoning_content"
    """The member in which it takes an assistant's earlier thoughts."""
    plain_text: bool = False
    """Whether it takes a content that is only text as a string alone."""
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """litellm_params that are no secret -> the variables they are read from otherwise."""
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The same for those that are."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Options that hold where neither says anything."""
    source: str = ""
    """Where its documentation says so."""

    @property
    def root(self) -> str:
        """The path of `base_url`, without a slash at its end."""
        return urlsplit(self.base_url).path.rstrip("/")

    def schema_of(self, model: str) -> tuple[str, str]:
        """The wire format of one of its models, and the model's own name."""
        for start, schema in self.schemas:
            if model.startswith(start):
                return schema, model.removeprefix(start) if start.endswith("/") else model
        return self.schema, model


def row(
    name: str, base_url: str, source: str = "", *, keys: str = "", bases: str = "", **more: Any
) -> Profile:
    """A profile; `{NAME}_API_KEY` and `{NAME}_API_BASE` are read for every provider."""
    stem = name.upper().replace("-", "_")
    return Profile(
        name=name,
        base_url=base_url,
        key_env=tuple(dict.fromkeys([*keys.split(), f"{stem}_API_KEY"])),
        base_env=tuple(dict.fromkeys([*bases.split(), f"{stem}_API_BASE"])),
        source=source,
        **more,
    )
