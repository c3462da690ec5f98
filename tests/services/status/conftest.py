"""An organization that is live: see `tests/support/statuses.py`."""

from __future__ import annotations

import pytest

from tests.support import statuses


@pytest.fixture
def live(acme):
    statuses.go_live(acme)
    return acme
