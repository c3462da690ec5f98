"""Tests some connections of the sample organizations, so that they are shown as working."""

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


def prove(environment: Mapping[str, str]) -> None:
    """Tests them against the simulators of the environment, in a separate process."""
    subprocess.run(
        [sys.executable, "-m", "devtools.demo_checks"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _prove() -> None:
    everywhere = context.scope(Actor(name="command line"))
    for example in demo_data.ORGANIZATIONS:
        organization = directory.by_name(everywhere, example.name)
        assert organization
        for key, account in demo_data.accounts(example).items():
            if account.is_tested:
                tested = verification.verify(
                    everywhere.for_organization(organization), context.outbound(), PROVIDERS[key], {}
                )
                assert tested.result.ok, f"{example.name}, {key}: {tested.result.code}"


if __name__ == "__main__":
    with create_app().app_context():
        _prove()
