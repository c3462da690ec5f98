"""A clock for a served Patchbay that can be set forward and back while it serves."""

from __future__ import annotations

import os
import time
from pathlib import Path

from devtools import preloaded

SCRIPT = Path(__file__).parent / "staged" / "stage.py"


class Clock:
    """`settings` are for the server that shall go by it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "seconds-off"
        self.set(0)
        self.settings = {preloaded.STAGE: str(SCRIPT), "STAGED_CLOCK": str(self._file)}

    def set(self, seconds: float) -> None:
        """Sets it so many seconds before (negative) or after the clock of this machine."""
        self.seconds = seconds
        draft = self._file.with_suffix(".draft")
        draft.write_text(str(seconds))
        os.replace(draft, self._file)  # noqa: PTH105 (atomic: a reader finds the old number or the new one)

    def time(self) -> float:
        """What `time.time` is in the server now."""
        return time.time() + self.seconds
