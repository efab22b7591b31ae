"""The whole config document: the file, what it includes, and its references to the environment."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from extproc.config.problems import ConfigError, Warnings
from extproc.config.yamlfile import Node, read

REFERENCE = "os.environ/"
INCLUDE = "include"
MAX_FILES = 100


def document(path: Path, warnings: Warnings) -> Node:
    """The mapping in `path` with its `include:` files merged in.

    Lists of one name are joined, mappings are merged; where both files give one value, the
    including file's stands. Included paths are relative to the file that names them.
    """
    return _with_includes(path, (), warnings)


def _with_includes(path: Path, including: tuple[Path, ...], warnings: Warnings) -> Node:
    root = read(path)
    if not isinstance(root.value, dict):
        raise ConfigError(f"{root.where}: a config is a mapping, this is {_name(root)}")
    here = path.resolve()
    if here in including or len(including) >= MAX_FILES:
        raise ConfigError(f"{path}: includes itself")
    for name in _included(root):
        base = _with_includes(path.parent / name, (*including, here), warnings)
        root = _merged(root, base, "", warnings)
    return root


def _included(root: Node) -> list[str]:
    given = root.value.get(INCLUDE)
    if given is None or given.value is None:
        return []
    names = given.plain if isinstance(given.value, list) else [given.plain]
    if not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{given.where}: include: expected a list of file names")
    return names


def _merged(ours: Node, theirs: Node, path: str, warnings: Warnings) -> Node:
    if isinstance(ours.value, list) and isinstance(theirs.value, list):
        return replace(ours, value=[*ours.value, *theirs.value])
    if isinstance(ours.value, dict) and isinstance(theirs.value, dict):
        both = dict(ours.value)
        for name, node in theirs.value.items():
            if name == INCLUDE and not path:
                continue
            below = f"{path}.{name}" if path else name
            both[name] = _merged(both[name], node, below, warnings) if name in both else node
        return replace(ours, value=both)
    if ours.plain != theirs.plain:
        warnings.add(f"{path}: {ours.where} stands, {theirs.where} is ignored")
    return ours


def resolved(node: Node, environ: Mapping[str, str]) -> Node:
    """`node` with every `os.environ/NAME` replaced; an empty variable counts as unset."""
    if isinstance(node.value, dict):
        return replace(node, value={k: resolved(v, environ) for k, v in node.value.items()})
    if isinstance(node.value, list):
        return replace(node, value=[resolved(item, environ) for item in node.value])
    if not (isinstance(node.value, str) and node.value.startswith(REFERENCE)):
        return node
    name = node.value.removeprefix(REFERENCE).strip()
    value = environ.get(name, "").strip()
    if not value:
        return replace(node, value=None, text="", unset=name)
    return replace(node, value=value, text=value, referenced=True)


def _name(node: Node) -> str:
    return "a list" if isinstance(node.value, list) else "a single value"
