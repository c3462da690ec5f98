"""A resolver for a served Patchbay: which addresses a host has, and which of them were dialled."""

from __future__ import annotations

import json
from pathlib import Path

from devtools import preloaded
from tests.support.clocks import SCRIPT


class Names:
    """`settings` are for the server whose names these are."""

    def __init__(self, folder: Path) -> None:
        self._names, self._lookups, self._dialled = (
            folder / name for name in ("names", "lookups", "dialled")
        )
        self.stage({})
        self.settings = {
            preloaded.STAGE: str(SCRIPT),
            "STAGED_NAMES": str(self._names),
            "STAGED_LOOKUPS": str(self._lookups),
            "STAGED_DIALLED": str(self._dialled),
        }

    def stage(self, answers: dict[str, list[list[str]]]) -> None:
        """The answers to one lookup of a host after another; discards what was looked up and dialled."""
        self._names.write_text(json.dumps(answers))
        for file in (self._lookups, self._dialled):
            file.write_text("")

    @property
    def lookups(self) -> list[str]:
        return self._lookups.read_text().split()

    @property
    def dialled(self) -> list[str]:
        return self._dialled.read_text().split()
