"""Jobs that the API started: until they end, and what they did."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlsplit

from werkzeug.test import TestResponse

from tests.support.caller import Caller

JOBS = "/api/settings/jobs"
SECONDS = 30


def ended() -> None:
    for thread in threading.enumerate():
        if thread.name == "job":
            thread.join(SECONDS)


def job_path(started: TestResponse) -> str:
    assert started.status_code == 202, started.text
    path: str = urlsplit(started.headers["Location"]).path
    return path


def paged(caller: Caller, path: str) -> list[Any]:
    """All rows of a list, read page by page."""
    rows: list[Any] = []
    while path:
        page = caller.get(path)
        rows += page.get_json()
        path = page.headers.get("Link", "").partition(">")[0].removeprefix("<http://localhost")
    return rows
