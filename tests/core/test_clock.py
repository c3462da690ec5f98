from __future__ import annotations

import time
from datetime import UTC, datetime

from app.core import clock


def test_clock_is_utc_naive_and_in_seconds():
    before = datetime.fromtimestamp(time.time(), UTC)
    moment = clock.now()
    assert moment.tzinfo is None
    assert before <= moment.replace(tzinfo=UTC) <= datetime.fromtimestamp(time.time(), UTC)

    moment = datetime(2026, 3, 18, 10, 0, 0, 999_999)  # noqa: DTZ001
    assert clock.iso(moment) == "2026-03-18T10:00:00"
    assert clock.seconds(moment) == 1773828000
