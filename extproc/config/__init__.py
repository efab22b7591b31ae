"""Reads a LiteLLM config.yaml into settings and a Snapshot; names what it does not know."""

from extproc.config.loader import General, Loaded, load
from extproc.config.problems import ConfigError

__all__ = ["ConfigError", "General", "Loaded", "load"]
