from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest

from app.core.slots import Slots


def test_failed_lock_leaves_no_descriptor_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems have no locks."""

    def fail(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    before = _descriptors()
    with pytest.raises(OSError, match="No locks"):
        Slots(tmp_path, 2).expect_free()
    assert _descriptors() == before


def _descriptors() -> list[str]:
    return sorted(file.name for file in Path("/dev/fd").iterdir())
