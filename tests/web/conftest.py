"""Pages are tested on SQLite alone: what differs between databases is the services' business."""

from __future__ import annotations

import pytest


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url
