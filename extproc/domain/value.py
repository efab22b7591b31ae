"""The decorator of values that are made many times a request.

To the type checker a value is a frozen dataclass. At run time it is a plain one with slots: the
check that a frozen one makes for each field costs more than the field, and mypy has made it.
"""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True)
def value(cls: type[_Class]) -> type[_Class]:
    return dataclass(slots=True)(cls)
