"""Enumerations whose values have a label for users."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class LabelledEnum(StrEnum):
    """Members are declared as `NAME = "value", "Label"`; the value is stored and sent."""

    label: str

    def __new__(cls, value: str, label: str) -> Self:
        self = str.__new__(cls, value)
        self._value_, self.label = value, label
        return self
