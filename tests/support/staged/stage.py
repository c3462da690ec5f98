"""Changes in a fork of the preloaded process what its environment names (`devtools.preloaded.STAGE`).

Each of the variables STAGED_CLOCK, STAGED_NAMES and so on loads the module of its name.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
for _module in ("staged_clock", "staged_names", "staged_deadlines", "staged_hashing", "staged_death"):
    if _module.upper() in os.environ:
        import_module(_module)
