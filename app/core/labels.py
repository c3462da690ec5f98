"""Values that have a label for people."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class LabelledEnum(StrEnum):
    """Members are declared as `NAME = "value", "Label"`; the value is what is stored and sent."""

    label: str

    def __new__(cls, value: str, label: str) -> Self:
        self = str.__new__(cls, value)
        self._value_, self.label = value, label
        return self
