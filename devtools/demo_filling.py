"""The data that `make demo` adds to the sample organizations: connection tests and destinations."""

from __future__ import annotations

from app import context, demo_data
from app.providers import PROVIDERS
from app.services.connections import verification
from app.services.notifications import destinations
from app.services.organizations import directory
from app.services.scope import Actor, Scope
from simulators.demo import MERIDIAN
from simulators.receiver import URL


def prove() -> None:
    """Tests some connections at the simulators, so that the pages show them as working."""
    for example in demo_data.ORGANIZATIONS:
        scope = _inside(example.name)
        for key, account in demo_data.accounts(example).items():
            if account.is_tested:
                tested = verification.verify(scope, context.outbound(), PROVIDERS[key], {})
                assert tested.result.ok, f"{example.name}, {key}: {tested.result.code}"


def add_destinations() -> str:
    """Adds a webhook and an e-mail destination; returns the webhook's signing secret."""
    meridian = _inside(MERIDIAN.name)
    destinations.create(meridian, {"kind": "email", "address": demo_data.EMAIL, "label": "Dana's mailbox"})
    webhook = {"kind": "webhook", "url": URL, "label": "Notification receiver"}
    (secret,) = destinations.create(meridian, webhook).secrets.values()
    return secret


def _inside(name: str) -> Scope:
    everywhere = context.scope(Actor(name="command line"))
    organization = directory.by_name(everywhere, name)
    assert organization
    return everywhere.for_organization(organization)
