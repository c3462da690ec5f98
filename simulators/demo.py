"""What a simulator's account has in the demonstration that `flask demo` and `make demo` set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.urls import inbound_webhook_url
from app.provider import Family
from app.provider.numbers import Reason


@dataclass(frozen=True)
class DemoOrganization:
    name: str
    base_url: str


MERIDIAN = DemoOrganization("Meridian Support", "https://voice.meridian.example")
"""Has an account at every provider, and needs work."""

HARBOR = DemoOrganization("Harbor Dental", "https://voice.harbor.example")
"""Is healthy. It has the same account as Meridian at the providers that list endpoints for it."""


@dataclass(frozen=True)
class DemoEndpoint:
    """A number of the account that an organization has imported, and the agents that answer and dial."""

    phone_number: str
    inbound: str | None
    outbound: str | None
    label: str
    organization: DemoOrganization = MERIDIAN

    def webhook_url(self, key: str) -> str:
        """What the number has to call; empty if no agent answers it."""
        return inbound_webhook_url(self.organization.base_url, key, self.inbound) or ""


@dataclass(frozen=True)
class DemoAccount:
    """One account at a provider.

    `credentials`: by field. `endpoints`: the numbers that organizations have imported; `spare`: those that
    are left to import, each with the provider's label. `dialers`: the dialer number of each person.
    `faults`: numbers whose webhook is wrong on purpose, and how. `active_for`: the families whose default
    provider it is, for the reason `because`. `is_tested`: whether its stored credentials have passed a test.
    """

    credentials: Mapping[str, Any]
    endpoints: tuple[DemoEndpoint, ...] = ()
    spare: Mapping[str, str] = field(default_factory=dict)
    dialers: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, Reason] = field(default_factory=dict)
    active_for: tuple[Family, ...] = ()
    because: str | None = None
    is_tested: bool = False

    def endpoints_of(self, organization: DemoOrganization) -> tuple[DemoEndpoint, ...]:
        return tuple(endpoint for endpoint in self.endpoints if endpoint.organization == organization)
