"""Serves sample organizations with simulated providers: `make demo`.

Nothing leaves this machine. The data is in a folder of its own. Ctrl-C stops everything.
"""

from __future__ import annotations

import argparse
import io
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from flask import Flask

from app import create_app, demo_data
from app.config import DEFAULT_BIND, Settings
from app.extensions import db
from app.provider import Capability
from app.providers import PROVIDERS
from devtools import demo_filling, demo_outside
from devtools.demo_outside import Outside
from devtools.server import ROOT, clean_environment, flask

PASSWORD = "password.txt"
WEBHOOK_SECRET = "webhook-secret.txt"
LOG = "portal.log"
SECONDS_TO_START = 60
SECONDS_TO_STOP = 10
SECONDS_BETWEEN_LOOKS = 0.2

TEXT = """
  Patchbay            {portal}
  Sign in as          {email}
  Password            {password}

  Provider simulators, each with a console in the browser:
{consoles}

  Agent runtime       {runtime}
  It answers the sample numbers. Under Settings, make it slow, wrong, unsigned or broken.

  What Patchbay sends, in the browser:
    Notifications     {receiver}
    Mail              {mail}

  Try this
    1. At {console} press "Another URL" beside {number}: its webhook is wrong now.
    2. In Patchbay, under Organizations, press "Check all numbers".
    3. Read the message at {receiver} and {mail}: it arrives within half a minute.
    4. Follow its link to the number, and repair it there. That is reported too.
    5. On a number's page, press "Test webhook" while the runtime is broken.

  The portal's data is in {data}; remove that folder to start over.
  Changes at the simulators are lost when they stop. Ctrl-C stops everything.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m devtools.demo", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=ROOT / "instance-demo", help="folder for the portal's data"
    )
    data = parser.parse_args().data.absolute()
    bind = os.environ.get("PATCHBAY_BIND") or DEFAULT_BIND
    _require_free(bind)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    with running(data, bind) as demo:
        _print_instructions(demo.portal, demo.password, data, demo.outside)
        while demo.process.poll() is None:
            time.sleep(SECONDS_BETWEEN_LOOKS)  # a signal just before a wait would be handled after it
        sys.exit(f"The portal stopped. See {data / LOG}.")


@dataclass(frozen=True)
class Demo:
    """A served portal, with the simulated systems around it."""

    portal: str
    password: str
    outside: Outside
    process: subprocess.Popen[bytes]


@contextmanager
def running(data: Path, bind: str) -> Iterator[Demo]:
    """Serves the sample organizations with the data in a folder, which is filled on first use."""
    with demo_outside.started() as outside:
        portal = f"http://{bind.replace('0.0.0.0', '127.0.0.1')}"  # noqa: S104
        environment = _environment(data, bind, outside) | {"PATCHBAY_PUBLIC_URL": portal}
        with _portal(data, environment) as app:
            password = _fill_once(data, app)
            outside.receiver.secrets.append(_webhook_secret(data))
            _run("check", app)
        for simulator in outside.providers.values():
            simulator.connect_portal(portal)
        with _serving(portal, environment) as process:
            yield Demo(portal, password, outside, process)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _require_free(bind: str) -> None:
    host, _, port = bind.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host.strip("[]"), int(port)), family=family):
            return
    except (OSError, ValueError):
        sys.exit(f"{bind} is in use, or not a local address. Try:  PATCHBAY_BIND=127.0.0.1:2213 make demo")


def _environment(data: Path, bind: str, outside: Outside) -> dict[str, str]:
    """Returns settings that refer to no other portal's data, and to no other machine."""
    own = {"PATCHBAY_DATA": str(data), "PATCHBAY_BIND": bind, "PATCHBAY_WORKERS": "1"}
    return clean_environment() | own | outside.settings


@contextmanager
def _portal(data: Path, environment: Mapping[str, str]) -> Iterator[Flask]:
    """Yields the portal's app in this process, because each command would load it again."""
    if data.exists() and any(data.iterdir()) and not (data / PASSWORD).exists():
        sys.exit(f"{data} is incomplete, or not a folder of `make demo`. Remove it and try again.")
    with redirect_stdout(io.StringIO()):
        app = create_app(Settings.from_environment(environment))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def _fill_once(data: Path, app: Flask) -> str:
    """Fills the portal on first use.

    Returns its password, whose file is written last to mark the data complete.
    """
    file = data / PASSWORD
    if file.exists():
        return file.read_text().strip()
    sys.stdout.write(f"Filling {data}\n")
    sys.stdout.flush()
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    _run("demo", app, "--password-stdin", typed=f"{password}\n")
    demo_filling.prove()
    _write_private(file, password)
    return password


def _webhook_secret(data: Path) -> str:
    """Returns the secret of the messages to the receiver; on first use, adds the destinations."""
    file = data / WEBHOOK_SECRET
    if not file.exists():
        _write_private(file, demo_filling.add_destinations())
    return file.read_text().strip()


def _write_private(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as written:
        written.write(f"{text}\n")


DRIFTED = 2
"""The exit code of `flask check` for the sample numbers that are misconfigured."""


def _run(command: str, app: Flask, *more: str, typed: str = "") -> None:
    done = app.test_cli_runner().invoke(args=[command, *more], input=typed)
    if done.exit_code not in (0, DRIFTED):
        sys.exit(f"flask {command} failed:\n{done.output}{done.exception}")


@contextmanager
def _serving(portal: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Serves the portal. Its log goes to a file, so that the instructions stay visible."""
    log = Path(environment["PATCHBAY_DATA"]) / LOG
    with log.open("ab") as output:
        process = subprocess.Popen(flask("serve"), cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        _wait(portal, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(portal: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(URLError, ConnectionError, TimeoutError), urlopen(f"{portal}/readyz", timeout=2):  # noqa: S310
            return
        time.sleep(0.05)
    sys.exit(f"The portal did not start. See {log}.")


def _print_instructions(portal: str, password: str, data: Path, outside: Outside) -> None:
    to_break, number = number_to_break()
    values = {
        "portal": portal,
        "email": demo_data.EMAIL,
        "password": password,
        "consoles": "\n".join(f"    {one.label:<18}{one.base}" for one in outside.providers.values()),
        "console": outside.providers[to_break].base,
        "runtime": outside.runtime.base,
        "receiver": outside.receiver.base,
        "mail": outside.mail.base,
        "number": number,
        "data": data.relative_to(ROOT) if data.is_relative_to(ROOT) else data,
    }
    sys.stdout.write(TEXT.format(**values))
    sys.stdout.flush()


def number_to_break() -> tuple[str, str]:
    """Returns a provider that allows setting webhooks, and a number with a healthy webhook."""
    return next(
        (key, endpoint.phone_number)
        for key, account in demo_data.accounts().items()
        if Capability.POINT in PROVIDERS[key].capabilities
        for endpoint in account.endpoints
        if endpoint.inbound and endpoint.phone_number not in account.faults
    )


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
