"""Shifts `time.time` by the seconds in a file.

All that Patchbay, and the libraries that sign its cookies and tokens, know of the time of day comes from
`time.time`. The file is read at every call, so that the time can be shifted while a process runs.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_unshifted = time.time
_file = Path(os.environ["STAGED_CLOCK"])


def _shifted() -> float:
    return _unshifted() + float(_file.read_text())


time.time = _shifted
