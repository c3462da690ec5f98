"""The simulated accounts of the demo data that `flask demo` and `make demo` create."""

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
"""An organization with an account at every provider, and some misconfigured numbers."""

HARBOR = DemoOrganization("Harbor Dental", "https://voice.harbor.example")
"""A healthy organization. It shares Meridian's accounts at the providers that list endpoints for it."""


@dataclass(frozen=True)
class DemoEndpoint:
    """A number that an organization has imported, and its inbound and outbound agents."""

    phone_number: str
    inbound: str | None
    outbound: str | None
    label: str
    organization: DemoOrganization = MERIDIAN

    def webhook_url(self, key: str) -> str:
        """Returns the expected webhook URL of the number; empty if it has no inbound agent."""
        return inbound_webhook_url(self.organization.base_url, key, self.inbound) or ""


@dataclass(frozen=True)
class DemoAccount:
    """One account at a provider.

    `credentials`: its values by field. `endpoints`: the numbers that organizations have imported; `spare`:
    the other ones, with their labels at the provider. `dialers`: the dialer number of each user. `faults`:
    numbers with a wrong webhook, and the fault of each. `active_for`: the families for which it is the
    default provider, for the reason `because`. `is_tested`: whether its stored credentials have passed a
    test.
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
