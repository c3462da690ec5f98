"""The servers that stand for the providers, started as a demonstration starts them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from app.config import Settings
from app.core.outbound.client import Outbound
from app.provider import Verifies
from app.providers import PROVIDERS
from simulators import SIMULATORS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def printed():
    ports = [option for key in SIMULATORS for option in (f"--{key.replace('_', '-')}", "0")]
    command = [sys.executable, "-m", "simulators", *ports]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        count = 1 + sum(len(kind().values) for kind in SIMULATORS.values())
        yield [running.stdout.readline().strip() for _ in range(count)]
        running.terminate()


def test_what_they_print_makes_every_connection_work(printed, shared_keys):
    name, _, upstreams = printed[0].partition("=")
    settings = Settings.from_environment({name: upstreams, **shared_keys})
    for key, provider in PROVIDERS.items():
        lines = [line.split() for line in printed[1:] if line.startswith(f"# {key}: ")]
        values = {field: value for _, _, field, value in lines}
        assert cast(Verifies, provider).verify(Outbound(settings.upstreams), values).ok, key


def test_a_value_is_one_that_its_field_accepts(subtests):
    for key in SIMULATORS:
        with subtests.test(key=key):
            for name, value in SIMULATORS[key]().values.items():
                assert PROVIDERS[key].field(name).check(value, None) == value
