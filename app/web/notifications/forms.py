"""Forms for destinations, with the fields that their kinds declare, and for quiet periods."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from wtforms import (  # type: ignore[attr-defined]
    PasswordField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
)

from app.core import clock
from app.destination import Kind
from app.models import Destination
from app.services.notifications import events
from app.web.shell.forms import Edit, Form, text_or_none

DURATIONS = {
    "1": "1 hour",
    "4": "4 hours",
    "8": "8 hours",
    "24": "1 day",
    "72": "3 days",
    "168": "1 week",
}
"""The durations of a quiet period or a mute, by their hours."""


class DestinationForm(Edit):
    """The fields that all kinds have; `of` adds those of one kind."""

    word = "destination"

    label = StringField("Label", description="Shown instead of the address. Optional.")
    events = SelectMultipleField("Events", validate_choice=False)
    digest_hour = SelectField("Delivery", validate_choice=False)

    def __init__(self, *args: Any, installation: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = events.choosable(installation=installation)
        hours = [SelectChoice(str(hour), f"One message a day, at {hour:02}:00 UTC") for hour in range(24)]
        self.digest_hour.choices = [SelectChoice("", "Each message when it happens"), *hours]

    def submitted(self, kind: Kind) -> dict[str, Any]:
        """Returns the values as the API accepts them. A secret that was left empty stays as it is."""
        submitted: dict[str, Any] = {"label": self.label.data or "", "events": list(self.events.data or [])}
        hour = self.digest_hour.data or ""
        submitted["digest_hour"] = int(hour) if hour.isascii() and hour.isdigit() else None
        for field in kind.typed_fields:
            value = text_or_none(self[field.name])
            if value is not None or not field.secret:
                submitted[field.name] = value
        return submitted


@cache
def of(kind: Kind) -> type[DestinationForm]:
    """Returns the form for destinations of a kind."""
    fields: dict[str, Any] = {
        field.name: (PasswordField if field.secret else StringField)(field.label, description=field.help)
        for field in kind.typed_fields
    }
    return type("DestinationForm", (DestinationForm,), fields)


def stored(kind: Kind, row: Destination) -> dict[str, Any]:
    """Returns the stored values of a destination for its form."""
    return {
        "label": row.label,
        "events": row.events,
        "digest_hour": "" if row.digest_hour is None else str(row.digest_hour),
        **{field.name: row.values.get(field.name, "") for field in kind.typed_fields if not field.secret},
    }


class QuietForm(Form):
    """A quiet period, which begins immediately unless a start is entered."""

    word = "quiet"

    starts_at = StringField("Start (UTC)", description="Empty for now.")
    ends_at = SelectField("Duration", validate_choice=False)
    reason = StringField("Reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ends_at.choices = [SelectChoice(hours, words) for hours, words in DURATIONS.items()]

    @property
    def submitted(self) -> dict[str, Any]:
        """The values as the API accepts them; an invalid start is included as it was entered."""
        text = (self.starts_at.data or "").strip()
        start = _moment(text)
        submitted: dict[str, Any] = {"reason": self.reason.data or "", "ends_at": ""}
        if text:
            submitted["starts_at"] = clock.utc(start) if start else text
        if self.ends_at.data in DURATIONS:
            begin = start or clock.now()
            submitted["ends_at"] = clock.utc(begin + timedelta(hours=int(self.ends_at.data)))
        return submitted


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is None else None


class LimitsForm(Form):
    """The age from which secrets or backups are reported; empty for no report."""

    word = "limits"

    days = StringField("Days", description="Empty for no report.")

    def submitted(self, name: str) -> dict[str, Any]:
        text = (self.days.data or "").strip()
        if not text:
            return {name: None}
        return {name: int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0}
