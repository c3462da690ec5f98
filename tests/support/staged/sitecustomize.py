"""Python imports this when it starts if this folder is on its path; it changes what the environment names.

STAGED_CLOCK, STAGED_NAMES and STAGED_DEADLINES each load the module of that name.
"""

from __future__ import annotations

import os
from importlib import import_module

for _module in ("staged_clock", "staged_names", "staged_deadlines"):
    if _module.upper() in os.environ:
        import_module(_module)
