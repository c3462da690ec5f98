"""Adds a webhook and an e-mail destination to a sample organization: where `make demo` shows what arrives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from app import context, create_app, demo_data
from app.services.notifications import destinations
from app.services.organizations import directory
from app.services.scope import Actor
from devtools.server import ROOT
from simulators.demo import MERIDIAN
from simulators.receiver import URL


def add(environment: Mapping[str, str]) -> str:
    """Adds them in a separate process; returns the secret that the webhook's messages are signed with."""
    done = subprocess.run(
        [sys.executable, "-m", "devtools.demo_destinations"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip().splitlines()[-1]


def add_here() -> str:
    """Adds them to the current application's database; returns the secret."""
    everywhere = context.scope(Actor(name="command line"))
    organization = directory.by_name(everywhere, MERIDIAN.name)
    assert organization
    meridian = everywhere.for_organization(organization)
    destinations.create(meridian, {"kind": "email", "address": demo_data.EMAIL, "label": "Dana's mailbox"})
    webhook = {"kind": "webhook", "url": URL, "label": "Notification receiver"}
    (secret,) = destinations.create(meridian, webhook).secrets.values()
    return secret


if __name__ == "__main__":
    with create_app().app_context():
        sys.stdout.write(f"{add_here()}\n")
