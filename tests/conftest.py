"""The real servers, as fixtures of every test."""

pytest_plugins = ["tests.servers"]
