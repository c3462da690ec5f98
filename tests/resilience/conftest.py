"""Faults, tried against a served Patchbay. `make test` tries each a few times, `make resilience` often.

Each test reports how often it tried a fault, how often that was survived, and how much was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server, served


@pytest.fixture
def portal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Server]:
    """A Patchbay with two workers, of this test alone, on SQLite and on PostgreSQL in turn."""
    with served(tmp_path, environment | {"PATCHBAY_WORKERS": "2"}) as server:
        yield server
