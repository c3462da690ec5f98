"""The objects of a voice AI provider: agents, imported numbers, webhooks, and reports of calls."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

LABEL_PREFIX = "Patchbay "
"""Prefix of the label of every number that Patchbay imported."""


@dataclass(frozen=True)
class Agent:
    id: str
    name: str


@dataclass(frozen=True)
class ImportedNumber:
    """A phone number at the voice AI provider, and the agent that answers it.

    `is_clear` is False if the agent could not be read.
    """

    id: str
    agent_id: str | None
    label: str
    is_clear: bool = True

    @property
    def is_ours(self) -> bool:
        """Whether Patchbay imported it."""
        return self.label.startswith(LABEL_PREFIX)


class ImportedNumbers(dict[str, list[ImportedNumber]]):
    """Imported numbers by phone number.

    `is_whole` is False if some could not be read: then a missing one may exist.
    """

    is_whole: bool = True


@dataclass(frozen=True)
class SipEndpoint:
    """A destination of a SIP trunk. The lowest priority comes first; equal ones share the calls."""

    host: str
    port: int = 5060
    transport: str = ""
    priority: int = 0

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, which does not show who operates it."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def text(self) -> str:
        return f"{self.host}:{self.port}"


def new_label(phone_number: str) -> str:
    """Returns a label that no other import has.

    It identifies an import whose response was lost.
    """
    return f"{LABEL_PREFIX}{phone_number} {secrets.token_hex(3)}"


@dataclass(frozen=True)
class Webhook:
    """One webhook in the list of the provider's workspace.

    `is_auto_disabled`: the provider disabled it itself, because deliveries failed. `failed_at` and
    `failure`: the last delivery that failed, and its HTTP status. `retries`: whether a failed delivery is
    sent again; None if that is not shown.
    """

    id: str
    name: str
    url: str
    is_disabled: bool
    is_auto_disabled: bool = False
    failed_at: datetime | None = None
    failure: int | None = None
    retries: bool | None = None


class ListedWebhooks(list[Webhook]):
    """The webhooks of a workspace.

    `is_whole` is False if some could not be read: then a missing one may exist.
    """

    is_whole: bool = True


@dataclass(frozen=True)
class CreatedWebhook:
    """A webhook that was just created. The provider returns its secret only in this response."""

    id: str
    secret: str | None = field(repr=False)


@dataclass(frozen=True)
class CallWebhookSetting:
    """Which webhook receives call reports.

    `has_all_events` is False if needed events are off, or are sent in a format that is not read.
    `document` is the provider's whole setting: a change sends the rest of it back as it was read.
    """

    webhook_id: str | None
    has_all_events: bool
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)


class CallEvent(StrEnum):
    """The event of a report. The values are stored."""

    ENDED = "post_call_transcription"
    FAILED = "call_initiation_failure"


class Direction(StrEnum):
    """The direction of a call. The values are stored."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True)
class CallReport:
    """One report of a call. Its texts are single lines; a number has digits, and a plus if it had one."""

    event: CallEvent
    conversation_id: str
    agent_id: str = ""
    agent_name: str | None = None
    from_number: str | None = None
    to_number: str | None = None
    duration_seconds: int | None = None
    outcome: str | None = None
    started_at: datetime | None = None
    direction: Direction | None = None
