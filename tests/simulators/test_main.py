"""`python -m simulators`: the settings that it prints make every connection work."""

from __future__ import annotations

import subprocess
import sys
from typing import cast

import pytest

from app.config import Settings
from app.core.outbound.client import Outbound
from app.provider import Verifies
from app.providers import PROVIDERS
from devtools.server import ROOT
from simulators import SIMULATORS


@pytest.mark.thorough("test_demo_credentials_work_and_numbers_can_be_imported")
def test_main_prints_settings_that_make_every_connection_work(shared_keys):
    ports = [option for key in SIMULATORS for option in (f"--{key.replace('_', '-')}", "0")]
    command = [sys.executable, "-m", "simulators", *ports]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        first = running.stdout.readline().strip()
        count = sum(len(simulator.sample_values) for simulator in SIMULATORS.values())
        lines = [running.stdout.readline().split() for _ in range(count)]
        name, _, upstreams = first.partition("=")
        settings = Settings.from_environment({name: upstreams, **shared_keys})
        for key, provider in PROVIDERS.items():
            values = {field: value for _, owner, field, value in lines if owner == f"{key}:"}
            assert cast(Verifies, provider).verify(Outbound(settings.upstreams), values).ok, key
        running.terminate()
