"""The units in docs/systemd, as systemd itself reads them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.server import ROOT

UNITS = ROOT / "docs" / "systemd"
PROGRAM = "/opt/patchbay/.venv/bin/flask"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    """With the program where it is here: systemd looks for it too."""
    program, units = tmp_path / "flask", []  # its own path can have a space, which a unit would quote
    program.symlink_to(Path(sys.executable).parent / "flask")
    for unit in UNITS.iterdir():
        text = unit.read_text().replace(PROGRAM, str(program))
        units.append(tmp_path / unit.name)
        units[-1].write_text(text)
    assert {unit.name for unit in units} == {"patchbay.service"}
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, units)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
