"""The events of notifications: each line gives the stored value, the label, the tone, and the reach."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum, unique

from app.destination import Tone

ALL = "*"
"""In place of a list of events: every event, also those of later versions."""


class Reach(StrEnum):
    """Who can receive an event: the organization and the installation, or the installation alone."""

    ORGANIZATION = "organization"
    INSTALLATION = "installation"
    OWN = "own"
    """Patchbay sends it to one destination; it cannot be chosen."""


@unique
class Event(StrEnum):
    """The event of a message. Values are stored and sent, and never change; labels may."""

    label: str
    tone: Tone
    reach: Reach

    def __new__(cls, value: str, label: str, tone: Tone, reach: Reach = Reach.ORGANIZATION) -> Event:
        self = str.__new__(cls, value)
        self._value_, self.label, self.tone, self.reach = value, label, tone, reach
        return self

    NUMBER_UNHEALTHY = "number.unhealthy", "Number unhealthy", Tone.PROBLEM
    NUMBER_RECOVERED = "number.recovered", "Number recovered", Tone.RECOVERY
    CONNECTION_REFUSED = "connection.refused", "Connection refused", Tone.PROBLEM
    CONNECTION_RECOVERED = "connection.recovered", "Connection recovered", Tone.RECOVERY
    CALL_WEBHOOK_DISABLED = "call_webhook.disabled", "Call webhook disabled", Tone.PROBLEM
    CALL_WEBHOOK_RECOVERED = "call_webhook.recovered", "Call webhook recovered", Tone.RECOVERY
    PROVIDER_SWITCHED = "provider.switched", "Default provider changed", Tone.NOTICE
    BASE_URL_CHANGED = "base_url.changed", "Public base URL changed", Tone.NOTICE
    TOKEN_EXPIRING = "token.expiring", "API token expiring", Tone.PROBLEM
    SECRET_OLD = "secret.old", "Secret due for replacement", Tone.PROBLEM
    CHECK_FAILED = "check.failed", "Check failed", Tone.PROBLEM
    CHECK_OVERDUE = "check.overdue", "Check overdue", Tone.PROBLEM
    DESTINATION_DISABLED = "destination.disabled", "Destination disabled", Tone.PROBLEM

    SIGN_IN_NEW_PLACE = "sign_in.new_place", "Sign-in from a new place", Tone.NOTICE, Reach.INSTALLATION
    KEYS_ROTATED = "keys.rotated", "Key rotation finished", Tone.NOTICE, Reach.INSTALLATION
    BACKUP_OLD = "backup.old", "Backup overdue", Tone.PROBLEM, Reach.INSTALLATION

    DIGEST = "notification.digest", "Daily digest", Tone.NOTICE, Reach.OWN
    TEST = "notification.test", "Test message", Tone.NOTICE, Reach.OWN

    @classmethod
    def of(cls, value: str) -> Event:
        """Returns the event with a stored value."""
        return _BY_VALUE[value]

    @property
    def is_problem(self) -> bool:
        return self.tone is Tone.PROBLEM


_BY_VALUE = {event.value: event for event in Event}


def choosable(*, installation: bool) -> tuple[Event, ...]:
    """Returns the events that a destination of an organization or the installation can receive."""
    reaches = {Reach.ORGANIZATION, Reach.INSTALLATION} if installation else {Reach.ORGANIZATION}
    return tuple(event for event in Event if event.reach in reaches)


def is_wanted(event: Event, chosen: Sequence[str]) -> bool:
    return ALL in chosen or event in chosen
