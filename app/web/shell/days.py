"""The dates that limit a list: `from` and `to` in the query, both inclusive."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from flask import request

from app.core import days, messages


@dataclass
class Days:
    """The dates and their `problems` by field name; a field with a problem does not limit the list."""

    since: date | None = None
    until: date | None = None
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_request(cls) -> Days:
        period = cls()
        period.since, period.until = period._read("from"), period._read("to")
        if period.since and period.until and period.since > period.until:
            period.problems["to"] = messages.END_BEFORE_START
        return period

    def _read(self, name: str) -> date | None:
        text = request.args.get(name, "").strip()
        try:
            return days.parse(text) if text else None
        except ValueError:
            self.problems[name] = messages.NO_DATE
            return None
