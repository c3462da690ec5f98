"""Connections of the demonstration that were tested, so that not everything there is left to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from app import context, create_app, demo_data
from app.providers import PROVIDERS
from app.services.connections import verification
from app.services.organizations import directory
from app.services.scope import Actor
from devtools.server import ROOT

PROVEN = ((demo_data.MERIDIAN, ("twilio", "exotel", "vobiz")), (demo_data.HARBOR, ("twilio",)))
"""Meridian's other connections are left to test."""


def prove(environment: Mapping[str, str]) -> None:
    """Tests them at the stand-ins that the environment names, in a process of its own."""
    subprocess.run(
        [sys.executable, "-m", "devtools.demo_checks"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _prove() -> None:
    everywhere = context.scope(Actor(name="command line"))
    for example, keys in PROVEN:
        organization = directory.by_name(everywhere, example.name)
        assert organization
        for key in keys:
            tested = verification.verify(
                everywhere.for_organization(organization), context.outbound(), PROVIDERS[key], {}
            )
            assert tested.result.ok, f"{example.name}, {key}: {tested.result.code}"


if __name__ == "__main__":
    with create_app().app_context():
        _prove()
