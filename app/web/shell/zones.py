"""The user's time zone, from a cookie that the browser sets; UTC without it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from flask import Flask, request

COOKIE = "patchbay-zone"
"""The cookie that `static/js/times.js` sets. The script shows all times in the same zone."""

_NAME = re.compile(r"[A-Za-z0-9_+-]{1,20}(/[A-Za-z0-9_+-]{1,20}){0,2}")


def init_app(app: Flask) -> None:
    app.jinja_env.filters |= {"local_day": local_day, "local_clock": local_clock}
    app.jinja_env.globals["zone_name"] = zone_name


def zone() -> tzinfo:
    """Returns the time zone in the cookie; UTC if this machine has no data of it."""
    name = request.cookies.get(COOKIE, "")
    if not _NAME.fullmatch(name):
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        return UTC


def zone_name() -> str:
    return str(zone())


def local_day(moment: datetime) -> date:
    """Returns the date of a UTC time in the user's zone."""
    return _local(moment).date()


def local_clock(moment: datetime) -> str:
    return f"{_local(moment):%H:%M}"


def _local(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(zone())
